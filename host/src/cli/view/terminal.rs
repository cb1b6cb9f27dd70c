//! The live view: drawn in place below the command, so that the last state stays on the screen after the run.

use super::figures::{Figures, dead_letters, grouped, seconds, time, waiting_sinks};
use super::{Names, wait};
use crate::pipeline::{Count, Live, Progress};
use ratatui::layout::{Constraint, Layout};
use ratatui::prelude::{Color, Frame, Line, Rect, Style, Stylize};
use ratatui::widgets::{Block, Borders, Gauge, Paragraph};
use ratatui::{TerminalOptions, Viewport};
use std::io;
use std::sync::mpsc;
use weir_core::plugin::Cost;

const HEIGHT: u16 = 24;
const ROWS_PER_KPI: usize = 6;

/// Draws until the run ends. An error means that this is no terminal to draw on.
pub fn show(names: &Names, progress: &Progress, stopped: &mpsc::Receiver<()>) -> io::Result<()> {
    let mut terminal = ratatui::try_init_with_options(TerminalOptions { viewport: Viewport::Inline(HEIGHT) })?;
    // Raw mode would swallow Ctrl-C, and this view reads no keys.
    ratatui::crossterm::terminal::disable_raw_mode()?;
    let mut figures = Figures::start();
    loop {
        let go_on = wait(stopped);
        figures.renew(progress);
        let live = progress.live().clone();
        terminal.draw(|frame| draw(frame, names, progress, &live, &figures))?;
        if !go_on {
            break;
        }
    }
    // What is printed next goes below the view, not over it.
    let below = terminal.get_frame().area().bottom().saturating_sub(1);
    terminal.set_cursor_position((0, below))?;
    ratatui::try_restore()?;
    println!();
    Ok(())
}

fn draw(frame: &mut Frame<'_>, names: &Names, progress: &Progress, live: &Live, figures: &Figures) {
    let plugins = u16::try_from(names.plugins.len()).unwrap_or(u16::MAX).min(6) + 2;
    let [head, gauge, rows, costs] = Layout::vertical([
        Constraint::Length(5),
        Constraint::Length(1),
        Constraint::Min(6),
        Constraint::Length(plugins),
    ])
    .areas(frame.area());
    frame.render_widget(head_lines(names, progress, live, figures), head);
    draw_gauge(frame, gauge, progress, figures);
    frame.render_widget(newest_rows(names, live), rows);
    frame.render_widget(plugin_costs(names, live), costs);
}

fn head_lines<'a>(names: &Names, progress: &Progress, live: &Live, figures: &Figures) -> Paragraph<'a> {
    let mut state = format!("{} partitions idle, {} fronts held by a jump", live.idle, live.held);
    for (kpi, reason) in &live.quarantined {
        state = format!("QUARANTINED {kpi}: {reason}");
    }
    let waiting = waiting_sinks(live);
    if !waiting.is_empty() {
        state = waiting.join("  ");
    }
    let alarm = if live.quarantined.is_empty() && waiting.is_empty() {
        Style::new()
    } else {
        Style::new().fg(Color::Red).bold()
    };
    Paragraph::new(vec![
        Line::from(format!(
            "{} events/s   {} read   watermark {}",
            grouped(figures.rate as u64),
            grouped(progress.get(Count::Read)),
            live.watermark_us.map_or_else(|| "-".into(), time),
        )),
        Line::from(format!(
            "{} open windows   {} windows and {} rows published   {} dead letters   {} late",
            live.open_windows(),
            grouped(live.windows),
            grouped(live.rows),
            grouped(dead_letters(progress)),
            grouped(progress.get(Count::Late)),
        )),
        Line::from(state).style(alarm),
    ])
    .block(Block::new().borders(Borders::TOP).title(format!(" weir: {} ", names.pipeline)))
}

fn draw_gauge(frame: &mut Frame<'_>, area: Rect, progress: &Progress, figures: &Figures) {
    let Some(share) = progress.share_done() else { return };
    let left = figures.left(share).map_or_else(String::new, |left| format!(", {} left", seconds(left)));
    let gauge = Gauge::default().ratio(share).label(format!("{:.0} %{left}", share * 100.0)).gauge_style(Color::Blue);
    frame.render_widget(gauge, area);
}

fn newest_rows<'a>(names: &Names, live: &Live) -> Paragraph<'a> {
    let mut lines = Vec::new();
    for (name, rows) in names.kpis.iter().zip(&live.newest) {
        lines.push(Line::from(name.clone()).bold());
        // Newest windows first: rows begin with their window.
        let mut newest: Vec<&String> = rows.values().collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        lines.extend(newest.into_iter().take(ROWS_PER_KPI).map(|row| Line::from(format!("  {row}"))));
    }
    Paragraph::new(lines).block(Block::new().borders(Borders::TOP).title(" newest rows "))
}

fn plugin_costs<'a>(names: &Names, live: &Live) -> Paragraph<'a> {
    let lines: Vec<Line<'a>> = names
        .plugins
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let mut cost = Cost::default();
            live.costs.iter().filter_map(|worker| worker.get(at)).for_each(|part| cost += *part);
            let rows = cost.rows.max(1) as f64;
            Line::from(format!(
                "{name:<32} {:>8.1} ns/row {:>10.1} fuel/row {:>16} rows",
                cost.nanos as f64 / rows,
                cost.fuel as f64 / rows,
                grouped(cost.rows)
            ))
        })
        .collect();
    Paragraph::new(lines).block(Block::new().borders(Borders::TOP | Borders::BOTTOM).title(" cost per plugin "))
}
