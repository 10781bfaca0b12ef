/*
 * Texts of alarms: they come from errors, servers and peers, and must go into XML. Pure.
 */
#ifndef NORIA_EVENT_ALARM_TEXT_H
#define NORIA_EVENT_ALARM_TEXT_H

/** Bytes of a text; what is behind them is cut off between two characters. */
#define ALARM_TEXT_MAX 1024

/**
 * Make a YANG string of a text (RFC 7950, 9.4), in its place: what is no UTF-8, or no character of
 * XML, is "?", and lines are one.
 */
void alarm_text_clean(char *text);

#endif
