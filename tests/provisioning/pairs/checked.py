"""What is looked for in the answer to whether failover would work now."""

LOCKED = "Locked: another program has held the Configuration Database for 12 s at least."


def missing(found):
    return {each.code: each.state for each in found.missing}


def warnings(found):
    return {each.code: each.state for each in found.warnings}
