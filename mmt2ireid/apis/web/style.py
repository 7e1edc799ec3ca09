"""How the page looks: system fonts, light and dark, wide and narrow; and the few lines of JavaScript it has."""

from __future__ import annotations

from typing import Any

CSS = """
.gradio-container { max-width: none !important; padding: 0 !important; }
.fillable { max-width: 1500px !important; margin: 0 auto !important; padding: 0 24px 32px !important; }
.html-container { padding: 0 !important; }
footer { display: none !important; }
.top { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 20px; padding: 18px 2px 10px; }
.top h1 { font-size: 1.6rem; font-weight: 700; letter-spacing: -0.02em; margin: 0; color: var(--body-text-color); }
.facts { display: flex; flex-wrap: wrap; gap: 8px; }
.chip { font-size: .86rem; padding: 3px 11px; border-radius: 99px; border: 1px solid var(--border-color-primary);
  background: var(--background-fill-secondary); color: var(--body-text-color-subdued); overflow-wrap: anywhere; }
.chip b { color: var(--body-text-color); font-weight: 600; }

#layout { gap: 28px; align-items: flex-start; flex-wrap: nowrap; }
#panel { flex: 0 0 360px !important; width: 360px; min-width: 0 !important; gap: 12px; }
#found { flex: 1 1 0 !important; min-width: 0 !important; gap: 0; }
#message .message { margin-bottom: 18px !important; }
#examples { gap: 6px; flex-wrap: wrap; }
#examples button { flex: 0 1 auto; min-width: 0; width: auto; border-radius: 99px; font-size: .84rem; font-weight: 400;
  padding: 5px 12px; line-height: 1.3; text-align: left; white-space: normal; box-shadow: none; }
#picture_file, #add_files { min-height: 0; }
#picture_file .wrap, #add_files .wrap { min-height: 0; padding: 8px 0; font-size: .92rem; line-height: 1.35; }
#picture_file .icon-wrap, #add_files .icon-wrap { width: 22px; margin: 0 auto 2px; }
#picture_file button, #add_files button { min-height: 0; }
#filters input[type=text], #filters textarea { font-size: .84rem; padding-left: 8px; padding-right: 6px; }
#panel .hint, #panel .hint p { font-size: .84rem; color: var(--body-text-color-subdued); margin: 0; line-height: 1.4; }

.message { border-radius: 10px; padding: 10px 14px; font-size: .95rem; line-height: 1.45; border: 1px solid;
  overflow-wrap: anywhere; }
.message ul { margin: 0; padding-left: 18px; }
.message li { margin: 2px 0; color: inherit; }
.message.error { background: #fef2f2; border-color: #fca5a5; color: #991b1b; }
.message.note { background: #fffbeb; border-color: #fcd34d; color: #854d0e; }
.message.done { background: #f0fdf4; border-color: #86efac; color: #166534; }
.dark .message.error { background: #3b1214; border-color: #7f1d1d; color: #fecaca; }
.dark .message.note { background: #382a0b; border-color: #78510c; color: #fde68a; }
.dark .message.done { background: #0d2b19; border-color: #14532d; color: #bbf7d0; }

.heading { margin: 6px 2px 14px; }
.heading h2, .chosen h2 { font-size: 1.22rem; line-height: 1.35; font-weight: 650; margin: 0 0 3px;
  color: var(--body-text-color); overflow-wrap: anywhere; }
.heading p, .chosen p { margin: 0; color: var(--body-text-color-subdued); font-size: .95rem; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); gap: 14px; }
.card { display: flex; flex-direction: column; gap: 5px; padding: 8px 8px 9px; text-align: left; cursor: pointer;
  margin: 0 !important; /* Gradio gives 4px below to all but the last, which was so much taller */
  min-width: 0; border-radius: 12px; border: 1px solid var(--border-color-primary);
  background: var(--block-background-fill); color: var(--body-text-color); font: inherit;
  transition: border-color .12s, box-shadow .12s, transform .12s; }
.card:hover { border-color: var(--color-accent); box-shadow: 0 4px 14px rgb(0 0 0 / .12); transform: translateY(-1px); }
.card:focus-visible, .back:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 2px; }
.photo { display: flex; align-items: center; justify-content: center; aspect-ratio: 1 / 2; width: 100%;
  border-radius: 7px; overflow: hidden; background: var(--background-fill-secondary); }
.photo img { width: 100%; height: 100%; object-fit: contain; margin: 0; display: block; border-radius: 7px; }
.photo .gone { font-size: .82rem; color: var(--body-text-color-subdued); }
.line { display: flex; align-items: center; gap: 8px; margin-top: 2px; font-size: .92rem; }
.line b { min-width: 1.1em; font-weight: 700; color: var(--body-text-color); }
.bar { flex: 1; height: 6px; border-radius: 3px; background: var(--border-color-primary); overflow: hidden; }
.bar i { display: block; height: 100%; border-radius: 3px; background: var(--color-accent); }
.score { font-variant-numeric: tabular-nums; }
.name { font-size: .8rem; color: var(--body-text-color-subdued); white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.tags { display: flex; flex-wrap: wrap; gap: 4px; }
.tag { font-size: .74rem; line-height: 1.35; padding: 1px 7px; border-radius: 6px; max-width: 100%; overflow: hidden;
  overflow-wrap: anywhere; background: var(--background-fill-secondary);
  color: var(--body-text-color-subdued); border: 1px solid var(--border-color-primary); }
.fine { font-size: .84rem !important; color: var(--body-text-color-subdued) !important; margin: 16px 2px 0 !important; }
.back { border: 1px solid var(--border-color-primary); background: var(--block-background-fill); cursor: pointer;
  color: var(--body-text-color); border-radius: 8px; padding: 6px 14px; font: inherit; font-size: .92rem;
  margin: 4px 0 14px; }
.back:hover { border-color: var(--color-accent); }
.chosen { display: flex; gap: 20px; align-items: flex-start; margin-bottom: 18px; }
.chosen > div:last-child { min-width: 0; }
.photo.large { width: 150px; flex: 0 0 150px; outline: 3px solid var(--color-accent); }
.photo.small { width: 56px; flex: 0 0 56px; }
.chosen dl { margin: 12px 0 0; display: grid; gap: 4px; font-size: .92rem; }
.chosen dl > div { display: flex; gap: 10px; min-width: 0; }
.chosen dt { flex: 0 0 76px; color: var(--body-text-color-subdued); overflow-wrap: anywhere; }
.chosen dd { margin: 0; min-width: 0; overflow-wrap: anywhere; color: var(--body-text-color); }
.query { display: flex; gap: 12px; align-items: center; font-size: .9rem; color: var(--body-text-color); min-width: 0; }
.query > span { overflow-wrap: anywhere; min-width: 0; }

@media (max-width: 900px) {
  .fillable { padding: 0 14px 24px !important; }
  .top { padding: 14px 2px 6px; }
  .top h1 { font-size: 1.35rem; }
  #layout { flex-direction: column; gap: 14px; }
  #panel, #found { flex: 1 1 auto !important; width: 100%; }
  .cards { grid-template-columns: repeat(auto-fill, minmax(102px, 1fr)); gap: 10px; }
  .card { padding: 6px 6px 7px; border-radius: 10px; }
  .chosen dt { flex-basis: 60px; }
  .photo.large { width: 104px; flex-basis: 104px; }
  .chosen { gap: 14px; }
}
"""

PICK = """
element.addEventListener('click', (event) => {
  const card = event.target.closest('[data-crop]');
  if (card) trigger('select', {crop: card.dataset.crop});
  else if (event.target.closest('[data-back]')) trigger('click', {});
});
"""
"""Of the results: a picked crop, and the way back, become events."""

_TOO_LARGE = """
const most = MOST;
const check = (files, event, input) => {
  const large = [...(files || [])].filter((file) => file.size > most).map((file) => file.name);
  if (!large.length) return;
  event.stopImmediatePropagation();
  event.preventDefault();
  if (input) input.value = '';
  const words = document.createElement('div');
  words.className = 'message error';
  words.setAttribute('role', 'alert');
  words.textContent = `Too large: ${large.slice(0, 3).join(', ')}. A picture may have SPELLED at most.`;
  props.value = words.outerHTML;
  element.scrollIntoView({block: 'nearest'});
};
document.addEventListener('change', (event) => {
  if (event.target.type === 'file') check(event.target.files, event, event.target);
}, true);
document.addEventListener('drop', (event) => check(event.dataTransfer && event.dataTransfer.files, event), true);
"""

IS_WIDE = '() => window.innerWidth > 900'
TO_RESULTS = """() => {
  const top = document.getElementById('found').getBoundingClientRect().top;
  if (top < 0 || top > window.innerHeight * 0.6) window.scrollBy({top: top - 8, behavior: 'smooth'});
}"""


def too_large(max_bytes: int) -> str:
    """JavaScript of the message: a file that is too large is not even sent, and words say so.

    Args:
        max_bytes: that a file may have.
    """
    return _TOO_LARGE.replace('MOST', str(int(max_bytes))).replace('SPELLED', f'{max_bytes / 2**20:g} MiB')


def theme() -> Any:
    """Gradio's plain theme in the system's own fonts: nothing is loaded from elsewhere."""
    import gradio as gr

    return gr.themes.Default(
        primary_hue='teal',
        secondary_hue='teal',
        neutral_hue='slate',
        font=('system-ui', '-apple-system', 'Segoe UI', 'Roboto', 'Noto Sans', 'DejaVu Sans', 'sans-serif'),
        font_mono=('ui-monospace', 'DejaVu Sans Mono', 'monospace'),
    ).set(
        button_primary_background_fill='*primary_700',
        button_primary_background_fill_hover='*primary_800',
        button_primary_background_fill_dark='*primary_600',
        button_primary_text_color='white',
        body_text_color_subdued='*neutral_600',
        body_text_color_subdued_dark='*neutral_300',
        block_label_text_color='*neutral_600',
        block_title_text_color='*neutral_700',
        input_placeholder_color='*neutral_500',
        input_placeholder_color_dark='*neutral_400',
    )
