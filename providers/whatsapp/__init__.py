"""WhatsApp, through Meta's Cloud API: https://developers.facebook.com/documentation/business-messaging/whatsapp/overview."""

from providers.whatsapp.provider import WhatsappProvider

__all__ = ["WhatsappProvider"]
