"""Which fields of a form stand where; what each looks like is in templates/pairwise."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import TEMPLATE_PACK, Field, Layout, LayoutObject
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


class Section(LayoutObject):
    """A part of a long form with a heading that folds it; the browser remembers whether it is open. ``css``: how its
    parts stand."""

    template = "pairwise/layout/section.html"

    def __init__(self, label: str, *fields, css: str = "body form-grid"):
        self.label, self.fields, self.css = label, list(fields), css

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        return render_to_string(self.template, {
            "label": self.label, "css": self.css, "must_show": context.get("must_show"),
            "fields": self.get_rendered_fields(form, context, template_pack, **kwargs)})


class Part(LayoutObject):
    """Something else among the fields, by a template of its own that sees the page's context and ``more``.
    ``stands_for`` is the field in whose place it is shown."""

    def __init__(self, template: str, *, stands_for: str = "", **more):
        self.template, self.stands_for, self.more = template, stands_for, more

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        if self.stands_for:
            form.rendered_fields.add(self.stands_for)
        return render_to_string(self.template, {**context.flatten(), "form": form, **self.more})


class Picker(Field):
    """A key that is picked in the dialog at the address named ``browse``; the context's ``names`` has the name of what
    it points to."""

    template = "pairwise/layout/picker.html"

    def __init__(self, name: str, browse: str):
        super().__init__(name)
        self.name, self.browse = name, browse

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        more = {"browse": self.browse, "optional": not form.fields[self.name].must,
                "label": context["names"][self.name]}
        return super().render(form, context, template_pack, extra_context=more, **kwargs)
