"""What a form says of a field that was left empty: the console's own words, not those of framework and browser."""

import importlib

from django import forms

from provisioning.accounts.forms.sign_in import PasswordForm, SignInForm
from provisioning.pairs.forms.verbs import PromoteForm
from provisioning.web.filters import FilterForm
from tests.test_architecture import dotted, of_pages

FRAMEWORKS = str(forms.Field.default_error_messages["required"])


def all_forms() -> set[type[forms.Form]]:
    for path in of_pages():
        importlib.import_module(".".join(dotted(path)))

    def below(kind):
        return {kind} | {each for child in kind.__subclasses__() for each in below(child)}

    return {kind for kind in below(forms.Form)
            if kind.__module__.startswith("provisioning.") and not issubclass(kind, FilterForm)}


def test_a_field_that_has_to_be_filled_in_says_so_in_a_sentence_of_its_own():
    made = (SignInForm(), PasswordForm(None, origin=""), PromoteForm(lost="MS"))
    silent = {f"{kind.__name__}.{name}" for kind in all_forms() - set(map(type, made))
              for name, field in kind.base_fields.items()
              if field.required and not field.widget.is_hidden and not isinstance(field, forms.ChoiceField)
              and str(field.error_messages["required"]) == FRAMEWORKS}
    for form in made:
        silent |= {f"{type(form).__name__}.{name}" for name, field in form.fields.items()
                   if field.required and str(field.error_messages["required"]) == FRAMEWORKS}
    assert len(all_forms()) > 15
    assert silent == set()
