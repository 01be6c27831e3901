"""Which fields of a form stand where; what each looks like is in templates/pairwise."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import TEMPLATE_PACK, Layout, LayoutObject
from django.template.loader import render_to_string


def arranged(*parts, summary: bool = True) -> FormHelper:
    """The helper of a form whose fields stand as ``parts`` say: names of fields, and layout objects around them. One
    that no part names comes last. ``<form>``, the token and the buttons are the page's.

    ``summary``: what is wrong with the form as a whole stands above its fields; False where the page says it."""
    helper = FormHelper()
    helper.form_tag, helper.disable_csrf, helper.render_unmentioned_fields = False, True, True
    helper.form_show_errors = summary
    helper.layout = Layout(*parts)
    return helper


class Fold(LayoutObject):
    """Fields that are folded away below ``label`` until one of them has something in it, or is wrong."""

    template = "pairwise/layout/fold.html"

    def __init__(self, label: str, *fields: str):
        self.label, self.fields = label, list(fields)

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        fields = [form[name] for name in self.fields]
        return render_to_string(self.template, {
            "label": self.label, "is_open": any(field.value() or field.errors for field in fields),
            "fields": self.get_rendered_fields(form, context, template_pack, **kwargs)})
