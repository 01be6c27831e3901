"""Icons, state chips, times and durations."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django import forms
from django.http import QueryDict
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone
from django.utils.safestring import mark_safe

from provisioning.jobs.tags import timespan
from provisioning.states import ApplicationStatus, HostStatus, JobState, Mode, StepState
from provisioning.web import tags

NOW = datetime(2026, 11, 22, 9, 30, 28, tzinfo=UTC)
ALL_STATES = [*ApplicationStatus, *HostStatus, *JobState, *StepState, *Mode]


@pytest.mark.parametrize("state", ALL_STATES)
def test_every_state_is_icon_word_and_colour(state):
    assert state in tags.CHIPS
    chip = tags.state_chip(state.value)
    assert "<svg" in chip
    assert f"chip-{tags.CHIPS[state][0]}" in chip
    assert (state.label if state in JobState.values or state in StepState.values else state.value) in chip


def test_help_stands_beside_one_box_and_below_several():
    class Form(forms.Form):
        one = forms.BooleanField()
        several = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
        text = forms.CharField()

    assert [field.name for field in Form() if tags.is_check(field)] == ["one"]


def test_green_is_for_what_was_said_a_moment_ago():
    assert "chip-ok" in tags.state_chip("Started", timezone.now())
    old = tags.state_chip("Started", timezone.now() - timedelta(minutes=3))
    assert "chip-ok" not in old
    assert "Last heard 3 min ago." in old


def test_a_state_that_is_not_good_does_not_fade():
    assert "chip-broken" in tags.state_chip("Gave Up", timezone.now() - timedelta(hours=3))


def test_no_state_is_a_dash():
    assert "–" in tags.state_chip("")


def test_a_reason_is_escaped():
    assert "<b>" not in tags.state_chip("Unknown", reason="<b>")


def test_an_icon_with_a_label_is_an_image_else_decoration():
    assert 'role="img" aria-label="Close"' in tags.icon("x-lg", "Close")
    assert 'aria-hidden="true"' in tags.icon("x-lg")


@pytest.mark.parametrize(("seconds", "words"), [
    (None, "–"), (0, "0 s"), (0.04, "0 s"), (0.1, "0.1 s"), (0.42, "0.4 s"), (0.99, "0.9 s"),
    (1.9, "1 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"),
    (7500, "2 h 5 min"), (172_800, "2 days"), (-5, "0 s"), (timedelta(minutes=4), "4 min"),
])
def test_durations(seconds, words):
    assert tags.duration(seconds) == words


@pytest.mark.parametrize("ago", [0, 0.04, 0.6, 1.7])
def test_what_goes_on_is_told_in_whole_seconds_as_the_page_counts_it_on(ago):
    with patch.object(timezone, "now", return_value=NOW):
        begun = NOW - timedelta(seconds=ago)
        assert f">{int(ago)} s ago<" in tags.ago(begun)
        assert timespan(begun) == tags.so_far(ago) == f"{int(ago)} s"
        assert timespan(begun, NOW) == tags.duration(ago)


def test_times_carry_utc():
    at = datetime(2026, 11, 22, 9, 30, 28, tzinfo=UTC)
    assert 'title="2026-11-22 09:30:28 UTC"' in tags.when(at)
    assert 'title="2026-11-22 09:30:28 UTC"' in tags.ago(at)
    assert "never" in tags.ago(None)
    assert "–" in tags.when(None)


def test_query_keeps_changes_and_removes():
    request = RequestFactory().get("/?q=a&page=2&sort=name")
    shown = Template('{% load pairwise %}{% query page=3 sort="" %}').render(Context({"request": request}))
    assert QueryDict(shown.replace("&amp;", "&").lstrip("?")) == QueryDict("q=a&page=3")


def test_a_button_that_is_off_carries_its_reason():
    assert tags.off("") == ""
    assert tags.off('Ask for the role "A".') == ' aria-disabled="true" title="Ask for the role &quot;A&quot;."'


@pytest.mark.parametrize(("label", "message", "left"), [
    ("[a] k", "[a] k cannot be <x>.", " cannot be &lt;x&gt;."), ("A & B", "A & B must be one.", " must be one."),
    ("Port", "Ports are too many.", None), ("Name", "A server needs a Name.", None), ("", "Not now.", None),
    ("MS", mark_safe("MS is <a>there</a>."), " is <a>there</a>."),
])
def test_a_sentence_that_begins_with_its_label_says_it_once(label, message, left):
    assert tags.begins_with(message, label) == (left is not None)
    if left is not None:
        assert tags.after(message, label) == left
