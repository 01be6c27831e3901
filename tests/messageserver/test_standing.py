"""How far acknowledgements may go: every event in every mode, then every order of them against a record of its own."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from messageserver.standing import Mode, Standing, granted

EPOCH, VERSION = 3, 10


def alone(own: int = 0, *, strict: bool = False) -> Standing:
    return granted(EPOCH, VERSION, own, strict=strict)


def joining(own: int = 5, peer: int = 3, *, strict: bool = False) -> Standing:
    return alone(own, strict=strict).linked("store-1", peer).joined()


def claimed(own: int = 5, *, strict: bool = False) -> Standing:
    return joining(own, own, strict=strict)


def in_sync(own: int = 5, *, strict: bool = False) -> Standing:
    return claimed(own, strict=strict).recorded(EPOCH, VERSION + 1, True)


def leaving(own: int = 5) -> Standing:
    return in_sync(own).unlinked()


def test_the_ways_into_each_mode():
    assert [standing.mode for standing in (alone(), joining(), claimed(), in_sync(), leaving(), alone().deposed())] == [
        Mode.ALONE, Mode.JOINING, Mode.CLAIMED, Mode.IN_SYNC, Mode.LEAVING, Mode.DEPOSED]


# --- alone ------------------------------------------------------------------------------------------


def test_a_granted_server_acknowledges_what_its_own_disk_has():
    assert alone(7).committed == 7
    assert alone(7).stored(9).committed == 9
    assert alone().wish == ("", 0, "")


def test_a_linked_standby_holds_nothing_up_before_it_is_close():
    assert alone(7).linked("store-1", 2).stored(9).committed == 9


def test_a_standby_that_is_lost_before_it_was_joined_changes_nothing():
    standing = alone(7).linked("store-1", 2)
    assert standing.unlinked() == replace(standing, peer=0)


# --- joining and claiming -------------------------------------------------------------------------------


def test_acknowledgements_wait_for_a_joined_standby_before_anything_is_claimed():
    standing = joining(own=5, peer=3).stored(8)
    assert (standing.mode, standing.committed, standing.wish) == (Mode.JOINING, 5, ("", 0, ""))


def test_a_standby_is_claimed_once_it_has_what_was_there_when_it_was_joined():
    standing = joining(own=5, peer=3).stored(8).confirmed(EPOCH, 4)
    assert standing.mode == Mode.JOINING
    standing = standing.confirmed(EPOCH, 5)
    assert (standing.mode, standing.wish) == (Mode.CLAIMED, ("synced", VERSION, "store-1"))
    assert standing.confirmed(EPOCH, 7).committed == 7


def test_joining_twice_changes_nothing():
    for standing in (joining(), claimed(), in_sync(), leaving(), alone().deposed()):
        assert standing.joined() == standing


def test_a_joined_standby_that_is_lost_before_it_was_claimed_needs_no_control():
    standing = joining(own=5, peer=3).stored(8).unlinked()
    assert (standing.mode, standing.committed) == (Mode.ALONE, 8)


def test_a_claim_is_recorded():
    assert in_sync().mode == Mode.IN_SYNC
    assert in_sync().wish == ("", 0, "")


def test_a_record_that_is_not_above_the_claim_says_nothing_about_it():
    assert claimed().recorded(EPOCH, VERSION, True).mode == Mode.CLAIMED
    assert claimed().recorded(EPOCH, VERSION - 1, False) == claimed()


def test_a_claim_that_was_overtaken_is_made_again_on_the_newer_version():
    standing = claimed().recorded(EPOCH, VERSION + 1, False)
    assert (standing.mode, standing.wish) == (Mode.CLAIMED, ("synced", VERSION + 1, "store-1"))


def test_in_sync_a_message_needs_both_disks():
    standing = in_sync(5).stored(7)
    assert standing.committed == 5
    assert standing.confirmed(EPOCH, 6).committed == 6
    assert in_sync(5).confirmed(EPOCH, 7).committed == 5


# --- leaving ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("standing", [claimed(), in_sync()], ids=["claimed", "in sync"])
def test_a_server_goes_on_alone_only_when_that_is_recorded_above_its_claim(standing):
    standing = standing.unlinked().stored(9)
    assert (standing.mode, standing.committed, standing.wish) == (Mode.LEAVING, 5, ("alone", VERSION, ""))
    assert standing.recorded(EPOCH, standing.claim, False).committed == 5
    standing = standing.recorded(EPOCH, VERSION + 2, False)
    assert (standing.mode, standing.committed, standing.claim) == (Mode.ALONE, 9, 0)


def test_a_late_word_that_the_claim_was_recorded_lets_nobody_go_on_alone():
    standing = claimed().unlinked().recorded(EPOCH, VERSION + 1, True).stored(9)
    assert (standing.mode, standing.committed) == (Mode.LEAVING, 5)
    assert standing.recorded(EPOCH, VERSION + 2, False).committed == 9


def test_a_standby_that_is_back_before_control_has_answered_confirms_again():
    standing = leaving().linked("store-1", 5).stored(9).confirmed(EPOCH, 8)
    assert (standing.mode, standing.committed) == (Mode.LEAVING, 8)


@pytest.mark.parametrize("standing", [claimed(), in_sync(), leaving()], ids=["claimed", "in sync", "leaving"])
def test_another_store_than_the_claimed_one_confirms_nothing_until_control_has_taken_the_claim_back(standing):
    standing = standing.linked("store-2", 5).stored(9).confirmed(EPOCH, 9)
    assert (standing.mode, standing.committed, standing.wish) == (Mode.LEAVING, 5, ("alone", VERSION, ""))
    standing = standing.recorded(EPOCH, VERSION + 2, False)
    assert (standing.mode, standing.committed) == (Mode.ALONE, 9)
    assert standing.joined().wish == ("synced", VERSION + 2, "store-2")


def test_the_claimed_store_counts_again_when_the_other_one_has_gone():
    standing = in_sync().linked("store-2", 5).unlinked().linked("store-1", 5).stored(9).confirmed(EPOCH, 8)
    assert (standing.mode, standing.committed) == (Mode.LEAVING, 8)


@pytest.mark.parametrize("standing", [claimed(), in_sync(), leaving()], ids=["claimed", "in sync", "leaving"])
def test_a_claimed_store_is_emptied_only_after_control_has_taken_the_claim_back(standing):
    assert not standing.may_empty("store-1")
    assert standing.may_empty("store-2")
    standing = standing.forsaken()
    assert (standing.mode, standing.wish) == (Mode.LEAVING, ("alone", VERSION, ""))
    assert not standing.may_empty("store-1")
    assert standing.recorded(EPOCH, VERSION + 2, False).may_empty("store-1")


def test_a_store_that_was_never_claimed_may_be_emptied():
    for standing in (alone(), joining()):
        assert standing.may_empty("store-1")
        assert standing.forsaken() == standing


def test_a_store_that_lacks_what_it_had_confirmed_is_no_longer_claimed():
    standing = in_sync().linked("store-1", 2)
    assert (standing.mode, standing.wish[0]) == (Mode.LEAVING, "alone")


def test_a_standby_that_links_again_with_all_it_had_stays_in_sync():
    assert in_sync().linked("store-1", 5).mode == Mode.IN_SYNC


def test_word_that_the_standby_is_not_in_sync_after_all_makes_it_prove_itself_again():
    standing = in_sync().stored(7).recorded(EPOCH, VERSION + 2, False)
    assert (standing.mode, standing.claim, standing.committed) == (Mode.JOINING, 0, 5)
    assert standing.confirmed(EPOCH, 7).wish == ("synced", VERSION + 2, "store-1")


# --- what is not for this epoch, and the end of it ----------------------------------------------------------


@pytest.mark.parametrize("standing", [alone(), joining(), claimed(), in_sync(), leaving()])
def test_nothing_of_another_epoch_or_an_older_version_counts(standing):
    standing = standing.stored(9)
    assert standing.confirmed(EPOCH - 1, 9) == standing
    assert standing.recorded(EPOCH + 1, 99, False) == standing
    assert standing.recorded(EPOCH, standing.version, False) == standing


@pytest.mark.parametrize("standing", [alone(), joining(), claimed(), in_sync(), leaving()])
def test_a_deposed_server_never_acknowledges_again_in_its_epoch(standing):
    deposed = standing.deposed()
    for after in (deposed.stored(99), deposed.linked("store-1", 99), deposed.joined(), deposed.confirmed(EPOCH, 99),
                  deposed.unlinked(), deposed.recorded(EPOCH, 99, False), deposed.recorded(EPOCH, 99, True)):
        assert (after.mode, after.committed, after.wish) == (Mode.DEPOSED, standing.committed, ("", 0, ""))


# --- strict -------------------------------------------------------------------------------------------------


def test_a_strict_server_never_acknowledges_alone():
    assert alone(4, strict=True).stored(7).committed == 0
    assert joining(strict=True).unlinked().stored(9).committed <= 5
    assert in_sync(strict=True).unlinked().stored(9).committed == 5


def test_a_strict_server_keeps_its_standby_recorded_while_it_is_away():
    standing = in_sync(strict=True).unlinked()
    assert (standing.mode, standing.wish) == (Mode.IN_SYNC, ("", 0, ""))
    standing = standing.stored(9).linked("store-1", 5).confirmed(EPOCH, 9)
    assert standing.committed == 9


def test_a_strict_server_lets_another_store_take_the_place_of_the_claimed_one():
    standing = in_sync(strict=True).linked("store-2", 5).recorded(EPOCH, VERSION + 2, False)
    assert standing.joined().wish == ("synced", VERSION + 2, "store-2")


def test_a_strict_server_acknowledges_what_a_linked_standby_has():
    assert alone(4, strict=True).linked("store-1", 3).committed == 3


# --- every order ------------------------------------------------------------------------------------------


class OneEpoch(RuleBasedStateMachine):
    """An active server, its standby's stores and control's record. Control may promote the recorded store at any
    moment, so that store must have everything that was acknowledged."""

    def __init__(self):
        super().__init__()
        self.standing = granted(EPOCH, 1, 0, strict=False)
        self.version, self.recorded = 1, ""
        self.stores = {"store-1": 0, "store-2": 0}
        self.linked = ""
        self.words: list[tuple[int, bool]] = []
        self.wishes: list[tuple[str, int, str]] = []

    @rule()
    def stores_a_message(self):
        self.standing = self.standing.stored(self.standing.own + 1)

    @rule(copy=st.sampled_from(["store-1", "store-2"]), close=st.booleans())
    def links(self, copy, close):
        self.linked = copy
        self.standing = self.standing.linked(copy, self.stores[copy])
        if close:
            self.standing = self.standing.joined()

    @precondition(lambda self: self.linked)
    @rule()
    def loses_the_link(self):
        self.linked = ""
        self.standing = self.standing.unlinked()

    @precondition(lambda self: self.linked)
    @rule(heard=st.booleans())
    def standby_catches_up(self, heard):
        self.stores[self.linked] = self.standing.own
        if heard:
            self.standing = self.standing.confirmed(EPOCH, self.standing.own)

    @rule()
    def reports(self):
        self.wishes.append(self.standing.wish)

    @precondition(lambda self: self.wishes)
    @rule(which=st.integers(0, 99))
    def control_hears_a_report_new_or_old(self, which):
        self._decide(*self.wishes[which % len(self.wishes)])

    @rule()
    def control_answers_at_once(self):
        self._decide(*self.standing.wish)
        self.standing = self.standing.recorded(EPOCH, self.version, bool(self.recorded))

    def _decide(self, wish, version, copy):
        if wish == "synced" and version == self.version:
            self.version, self.recorded = self.version + 1, copy
        elif wish == "alone" and (self.recorded or self.version <= version):
            self.version, self.recorded = self.version + 1, ""
        self.words.append((self.version, bool(self.recorded)))

    @rule()
    def failover_is_paused(self):
        self.version += 1
        self.words.append((self.version, bool(self.recorded)))

    @precondition(lambda self: self.words)
    @rule(which=st.integers(0, 99))
    def hears_what_is_recorded_new_or_old(self, which):
        version, in_sync = self.words[which % len(self.words)]
        self.standing = self.standing.recorded(EPOCH, version, in_sync)

    @invariant()
    def the_recorded_store_has_everything_acknowledged(self):
        assert not self.recorded or self.stores[self.recorded] >= self.standing.committed
        assert self.standing.committed <= self.standing.own


OneEpoch.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestOneEpoch = OneEpoch.TestCase
