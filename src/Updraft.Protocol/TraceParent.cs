using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Updraft.Protocol;

/// <summary>
/// The header <c>traceparent</c> of W3C Trace Context, version 00: a position in a trace. It is not signed, so it decides only in which
/// trace a span appears.
/// </summary>
public static class TraceParent
{
    /// <summary>Length of every header value, in characters.</summary>
    public const int Length = 55;

    /// <summary>Reads a header value, and rejects any text that is not exactly in the form of version 00.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ActivityContext context)
    {
        context = default;
        return text is { Length: Length } && text.StartsWith("00-", StringComparison.Ordinal)
            && ActivityContext.TryParse(text, traceState: null, isRemote: true, out context);
    }
}
