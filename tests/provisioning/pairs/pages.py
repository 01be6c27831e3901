"""Addresses of the pages of pairs, and what is written there."""

import re

from django.urls import reverse


def detail(row):
    return reverse("pair-detail", args=[row.pk])


def part(row, name):
    return reverse("pair-part", args=[row.pk, name])


def text_of(answer):
    """What is written on a page, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())
