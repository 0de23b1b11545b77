"""`python -m anychannel`: the command line."""

from anychannel.cli import app

if __name__ == "__main__":
    app()
