"""Discord, through a bot: https://docs.discord.com/developers/intro."""

from providers.discord.provider import DiscordProvider

__all__ = ["DiscordProvider"]
