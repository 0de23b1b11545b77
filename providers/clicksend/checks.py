"""What a check of a channel demands of its ClickSend account: the rules it needs, and what is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from anychannel import ChannelContext, Note
from providers.clicksend.inbound import INBOUND_PATH, KEY_PARAMETER, RECEIPTS_PATH

MAX_SEGMENTS = 6
"""What ClickSend cuts a text to, without a word, unless an account's setting says otherwise:
https://help.clicksend.com/article/h474eseq3a-how-many-characters-can-i-send-in-an-sms."""

RuleKind = Literal["inbound", "receipts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An automation by which ClickSend calls us: https://developers.clicksend.com/docs/automations/sms."""

    kind: RuleKind
    """As the API's path names it."""
    fields: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """The rule is as it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """There is no such rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The rule is ours, but leads elsewhere or is switched off."""

    rule_id: int


def needed_rules(channel: ChannelContext) -> tuple[Rule, Rule]:
    """The rules without which neither messages nor receipts reach this channel."""
    token = channel.settings.get("webhook_token", "")
    query = f"?{urlencode({KEY_PARAMETER: token})}" if token else ""
    sender = channel.settings.get("sender", "")
    common: dict[str, object] = {"rule_name": f"anychannel {channel.channel_id}", "action": "URL", "enabled": 1}
    inbound = common | {
        "action_address": f"{channel.webhook_url}{INBOUND_PATH}{query}",
        # A channel with its own number wants what that number receives; otherwise replies come to any of the account's.
        "dedicated_number": sender if sender.startswith("+") else "*",
        "message_search_type": 0,  # any message
        "message_search_term": "",
        "webhook_type": "json",
    }
    receipts = common | {
        "action_address": f"{channel.webhook_url}{RECEIPTS_PATH}{query}",
        "match_type": 0,  # all receipts
    }
    return Rule(kind="inbound", fields=inbound), Rule(kind="receipts", fields=receipts)


def decide(rule: Rule, existing: Iterable[Any]) -> Keep | Create | Update:
    """What to do when the account has these rules. One made by hand will do as well as ours."""
    decision: Create | Update = Create()
    for it in existing:
        match it:
            case {"action_address": address, "action": "URL", "enabled": 1} if address == rule.fields["action_address"]:
                return Keep()
            case {"rule_name": name} if name == rule.fields["rule_name"]:
                decision = next((Update(rule_id=rule_id) for rule_id in _rule_ids(it)), decision)
            case _:
                pass
    return decision


def rule_refused(rule: Rule, reason: str) -> Note:
    """Somebody has to make the rule by hand. The whole address carries a token, so it is not in the text."""
    path = INBOUND_PATH if rule.kind == "inbound" else RECEIPTS_PATH
    return Note(
        code=f"no_{rule.kind}_rule",
        text=f"{reason} Make a rule for SMS {rule.kind} in ClickSend's dashboard: "
        f"action URL, with the channel's webhook address and {path} behind it.",
    )


def account_problems(account: Any) -> tuple[Note, ...]:
    """What keeps an account from sending whole texts; `account` is `data` of the answer to `GET /v3/account`."""
    match account:
        case {"banned": 1}:
            return (Note(code="account_banned", text="ClickSend has banned the account: ask its support."),)
        case {"active": 0}:
            return (Note(code="account_not_active", text="Activate the account in ClickSend's dashboard."),)
        case {"setting_sms_message_char_limit": int(parts)} if parts < MAX_SEGMENTS:
            text = f"The account cuts texts after {parts} SMS: set it to {MAX_SEGMENTS} in ClickSend's dashboard."
            return (Note(code="texts_are_cut", text=text), *_credit_problems(account))
        case _:
            return _credit_problems(account)


def account_details(account: Any) -> dict[str, str]:
    """What people may know of an account. Never more than these: the answer holds an API key as well."""
    match account:
        case {"account_name": str(name), "balance": str(balance), "_currency": {"currency_name_short": str(currency)}}:
            return {"account": name, "balance": f"{balance} {currency}"}
        case _:
            return {}


def _credit_problems(account: Any) -> tuple[Note, ...]:
    balance = account.get("balance") if isinstance(account, dict) else None
    try:
        has_credit = float(balance) > 0 if isinstance(balance, str) else True
    except ValueError:
        has_credit = True
    return () if has_credit else (Note(code="no_credit", text="The account has no credit left: top it up."),)


def _rule_ids(rule: dict[str, Any]) -> Iterable[int]:
    # inbound_rule_id, sms_inbound_rule_id, receipt_rule_id: the documentation and ClickSend's own SDKs disagree.
    return (value for name, value in rule.items() if name.endswith("rule_id") and isinstance(value, int))
