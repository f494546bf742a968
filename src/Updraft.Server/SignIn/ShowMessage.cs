namespace Updraft.Server.SignIn;

/// <summary>
/// Responds with a page that has a heading and a sentence. A delegate, because the web UI is built on sign-in; Web registers it.
/// </summary>
internal delegate Task ShowMessage(HttpContext context, int statusCode, string heading, string text);
