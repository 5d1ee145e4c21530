"""The weekly operations report of a web server's access log."""
