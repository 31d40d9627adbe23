"""What a Hugging Face Space starts."""

from zoo.app.page import make_page

make_page().launch()
