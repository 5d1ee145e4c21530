"""What runs inside the Python of the code that is improved: records its calls, and makes them again.

Needs nothing but the standard library of Python 3.8 or newer. It is copied to where the commands can see it.
"""
