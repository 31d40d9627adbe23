"""A weights file's life: listed, found or fetched, loaded, converted, packaged, published."""
