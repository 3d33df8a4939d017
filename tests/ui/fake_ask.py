"""The command line over the scripted assistant, as a program of its own."""

from fake_assistant import FakeAssistant, stand_in

from ui.call import Session
from ui.cli import main

if __name__ == "__main__":
    main(Session(lambda settings: stand_in(FakeAssistant(settings))))
