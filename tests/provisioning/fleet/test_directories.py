"""Directories that share a path are found without looking at each: as the rule of a save finds them one by one."""

from hypothesis import given
from hypothesis import strategies as st

from provisioning.applications.rules.fields import normal_directory
from provisioning.applications.rules.ports import share_a_path
from provisioning.fleet.services.directories import Directories

PATHS = st.lists(st.sampled_from(["a", "b", "ab", "c:", ""]), max_size=4).flatmap(
    lambda parts: st.sampled_from(["/", ""]).map(lambda root: normal_directory(root + "/".join(parts))))


@given(st.lists(PATHS, max_size=8), PATHS, st.sets(st.integers(0, 7)))
def test_those_that_share_a_path_are_found_and_no_others(paths, own, removed):
    found = Directories()
    for key, path in enumerate(paths):
        found.add(key, path)
    for key in removed & set(range(len(paths))):
        found.remove(key, paths[key])
    assert found.sharing(own) == {key for key, path in enumerate(paths)
                                  if key not in removed and share_a_path(own, path)}
