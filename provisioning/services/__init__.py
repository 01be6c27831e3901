"""The verbs: one file per noun, one keyword-only function per verb, each with its own transaction.

All take ``actor`` (permissions.Actor) and raise Refused, Conflict, NotAllowed or NotFound of errors.py.
"""
