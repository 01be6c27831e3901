"""Jobs on the worker side: handing them over, recording what hosts report, and moving silent ones on.

Names: dispatch (to the broker), states (the one guarded state change), reports (from hosts), outcome (what a
finished job does to its application), reaper (what nobody reports any more).
"""
