export function heading(text) {
    return text + " (simple page)";
}
