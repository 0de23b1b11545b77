"""Telegram, through a bot: https://core.telegram.org/bots/api."""

from providers.telegram.provider import TelegramProvider

__all__ = ["TelegramProvider"]
