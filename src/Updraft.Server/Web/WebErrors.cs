using Updraft.Server.Api;

namespace Updraft.Server.Web;

/// <summary>Errors of the web UI.</summary>
internal static class WebErrors
{
    public static readonly ErrorCode CrossSiteForm = new("cross_site_form", StatusCodes.Status403Forbidden,
        "Another site sent a form to the web UI.",
        "Open the web UI in the browser and send the form there.");

    public static readonly ErrorCode InvalidForm = new("invalid_form", StatusCodes.Status400BadRequest,
        "The form does not come from a page of this session, or the page is too old.",
        "Reload the page and send the form again.");

    public static readonly ErrorCode EventStreamOnly = new("event_stream_only", StatusCodes.Status406NotAcceptable,
        "The URL returns server-sent events, and the request does not accept them.",
        "Send 'Accept: text/event-stream'.");
}
