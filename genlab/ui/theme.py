"""The theme: Gradio's components take their colours and type from the variables of `kit/genlab.css`."""

import inspect

import gradio as gr

_COLOURS = {
    "body_background_fill": "ground",
    "background_fill_primary": "card",
    "background_fill_secondary": "ground",
    "body_text_color": "ink",
    "body_text_color_subdued": "muted",
    "border_color_primary": "line",
    "border_color_accent": "accent",
    "color_accent": "accent",
    "color_accent_soft": "tint",
    "link_text_color": "accent",
    "block_background_fill": "card",
    "block_border_color": "line",
    "block_label_background_fill": "card",
    "block_label_text_color": "muted",
    "block_title_text_color": "muted",
    "block_info_text_color": "muted",
    "panel_background_fill": "card",
    "input_background_fill": "card",
    "input_background_fill_focus": "card",
    "input_border_color": "line",
    "input_border_color_focus": "accent",
    "input_placeholder_color": "muted",
    "slider_color": "accent",
    "checkbox_background_color": "card",
    "checkbox_background_color_selected": "accent",
    "checkbox_border_color": "muted",
    "checkbox_border_color_focus": "accent",
    "checkbox_border_color_selected": "accent",
    "checkbox_label_background_fill": "card",
    "checkbox_label_background_fill_selected": "tint",
    "checkbox_label_text_color": "ink",
    "checkbox_label_text_color_selected": "ink",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent-strong",
    "button_primary_border_color": "accent",
    "button_primary_text_color": "on-accent",
    "button_secondary_background_fill": "card",
    "button_secondary_background_fill_hover": "ground",
    "button_secondary_border_color": "line",
    "button_secondary_text_color": "ink",
    "button_cancel_background_fill": "card",
    "button_cancel_background_fill_hover": "ground",
    "button_cancel_border_color": "line",
    "button_cancel_text_color": "red",
    "table_border_color": "line",
    "table_even_background_fill": "card",
    "table_odd_background_fill": "card",
    "error_background_fill": "card",
    "error_border_color": "red",
    "error_text_color": "ink",
}
_SIZES = {
    "block_border_width": "0px",
    "block_label_text_size": "13px",
    "block_padding": "0",
    "block_radius": "10px",
    "block_shadow": "none",
    "block_title_text_size": "13px",
    "block_title_text_weight": "400",
    "body_text_size": "15px",
    "button_large_padding": "8px 14px",
    "button_large_radius": "8px",
    "button_large_text_size": "15px",
    "button_large_text_weight": "400",
    "button_small_padding": "6px 12px",
    "button_small_radius": "8px",
    "button_small_text_size": "14px",
    "button_primary_shadow": "none",
    "button_secondary_shadow": "none",
    "checkbox_shadow": "none",
    "container_radius": "10px",
    "form_gap_width": "0px",
    "input_border_width": "1px",
    "input_padding": "7px 10px",
    "input_radius": "8px",
    "input_shadow": "none",
    "input_shadow_focus": "none",
    "input_text_size": "15px",
    "layout_gap": "14px",
    "section_header_text_weight": "600",
    "shadow_drop": "none",
    "shadow_drop_lg": "none",
}
_SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")


def theme() -> gr.themes.Base:
    """Light and dark alike: the variables themselves know which of the two holds."""
    colours = {name: f"var(--{colour})" for name, colour in _COLOURS.items()}
    dark = {f"{name}_dark": value for name, value in (colours | {"block_border_width": "0px"}).items()}
    known = inspect.signature(gr.themes.Base.set).parameters
    return gr.themes.Base(font=_SANS, font_mono=_MONO).set(
        **colours, **_SIZES, **{name: value for name, value in dark.items() if name in known}
    )
