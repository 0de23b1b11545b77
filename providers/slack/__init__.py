"""Slack, through an app with a bot: https://docs.slack.dev/apis/events-api and https://docs.slack.dev/apis/web-api."""

from providers.slack.provider import SlackProvider

__all__ = ["SlackProvider"]
