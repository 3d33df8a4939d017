"""The Slack bot: what arrives goes into the inbox before it is acknowledged; workers answer.

    Slack -> serve (Socket Mode or HTTP) -> app (Bolt) -> receive -> assistant.inbox
    assistant.inbox -> worker -> Assistant.stream -> blocks -> deliver -> Slack

No text of a message and no token is ever logged.
"""
