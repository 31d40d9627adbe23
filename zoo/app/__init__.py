"""A page in the browser: drop a picture or a clip, see and download its people. Needs the extra `app`."""
