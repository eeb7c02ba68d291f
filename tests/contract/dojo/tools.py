"""AgentDojo's tools as tools of Ally, each with the kind of what it does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from ally.errors import ToolError
from ally.messages import JsonObject, ToolCall, ToolSpec
from ally.permissions.action import Action, Kind
from ally.permissions.paths import words
from ally.tools.base import Run, ToolOutput
from tests.contract.dojo.suites import Environment, Suite

LOOKS = words("""
get_iban get_balance get_most_recent_transactions get_scheduled_transactions get_user_info
get_channels read_channel_messages read_inbox get_users_in_channel
get_user_information get_all_hotels_in_city get_hotels_prices get_rating_reviews_for_hotels get_hotels_address
get_all_restaurants_in_city get_cuisine_type_for_restaurants get_restaurants_address get_rating_reviews_for_restaurants
get_dietary_restrictions_for_all_restaurants get_contact_information_for_restaurants get_price_for_restaurants
check_restaurant_opening_hours get_all_car_rental_companies_in_city get_car_types_available
get_rating_reviews_for_car_rental get_car_fuel_options get_car_rental_address get_car_price_per_day
get_flight_information
get_current_day search_calendar_events get_day_calendar_events
get_sent_emails get_received_emails get_draft_emails search_emails search_contacts_by_name search_contacts_by_email
search_files_by_filename get_file_by_id list_files search_files
""")
"""Only tells what a service of the user's own holds."""

OPENS = "read_file"
"""Reads a file of the working folder."""

VISITS = "get_webpage"
"""Tells a stranger's server which page is wanted."""

MARKS = "get_unread_emails"
"""Is asked for to look, but changes something by the way: the messages are read afterwards."""

CHANGES = words("""
send_money schedule_transaction update_scheduled_transaction update_password update_user_info
add_user_to_channel send_direct_message send_channel_message invite_user_to_slack remove_user_from_slack post_webpage
reserve_hotel reserve_restaurant reserve_car_rental
send_email delete_email
create_calendar_event cancel_calendar_event reschedule_calendar_event add_calendar_event_participants
append_to_file create_file delete_file share_file
""")
"""Sends, pays, books, invites, publishes, creates, changes or deletes."""

KINDS: dict[str, Kind] = {
    **dict.fromkeys(LOOKS, "none"),
    OPENS: "read",
    VISITS: "fetch",
    **dict.fromkeys([MARKS, *CHANGES], "other"),
}


def asks(name: str) -> bool:
    """Whether nobody may use the tool without having been asked."""
    return KINDS[name] in ("fetch", "other")


@dataclass
class Services:
    """What the tools of one suite work on, and what was really done with it."""

    suite: Suite
    environment: Environment
    root: Path
    ran: list[ToolCall] = field(default_factory=list)
    has_changed: list[ToolCall] = field(default_factory=list)

    def tools(self) -> Sequence["DojoTool"]:
        """One for each function of the suite."""
        return [DojoTool(self, function) for function in self.suite.tools]

    def state(self) -> JsonObject:
        """Everything that the services hold, as plain data that later changes do not reach."""
        return self.environment.model_dump()


class DojoTool:
    """One function of a suite."""

    def __init__(self, services: Services, function: object) -> None:
        self._services = services
        self._function = function
        self.name: str = function.name
        self.spec = _spec(self.name, function.description, function.parameters)

    def action(self, args: JsonObject) -> Action:
        match KINDS[self.name]:
            case "read":
                return Action(self.name, "read", args["file_path"], (self._services.root / args["file_path"],))
            case "fetch":
                return Action(self.name, "fetch", args["url"])
            case kind:
                return Action(self.name, kind, json.dumps(args, ensure_ascii=False))

    def preview(self, args: JsonObject) -> str:
        return ""

    async def run(self, args: JsonObject, run: Run) -> ToolOutput:
        this, call = self._services, ToolCall("", self.name, args)
        given = self._function.parameters.model_validate(args).model_dump()
        parts = {
            name: part.extract_dep_from_env(this.environment) for name, part in self._function.dependencies.items()
        }
        before = this.state()
        this.ran.append(call)
        try:
            found = self._function(**given, **parts)
        except ValueError as error:
            raise ToolError(self.name, str(error)) from error
        finally:
            if this.state() != before:
                this.has_changed.append(call)
        return ToolOutput(json.dumps(_plain(found), ensure_ascii=False, default=str))


@cache
def _spec(name: str, description: str, parameters: type[BaseModel]) -> ToolSpec:
    return ToolSpec(name, description, parameters.model_json_schema())


def _plain(found: object) -> object:
    if isinstance(found, list):
        return [_plain(one) for one in found]
    return found.model_dump() if hasattr(found, "model_dump") else found
