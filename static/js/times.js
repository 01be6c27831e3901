// How long something has been going on, in the words that the console writes itself (provisioning/core/text.py,
// ``so_far``): a page that counts on says nothing else than the one that came.
export function soFar(seconds) {
  if (seconds < 120) return `${Math.max(0, Math.floor(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}
