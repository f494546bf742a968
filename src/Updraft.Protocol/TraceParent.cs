using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Updraft.Protocol;

/// <summary>
/// Where in a trace something was caused: the header <c>traceparent</c> of W3C Trace Context, version 00. It is not signed: nothing may follow
/// from it but which trace a span is shown in.
/// </summary>
public static class TraceParent
{
    /// <summary>Length of every one.</summary>
    public const int Length = 55;

    /// <summary>Reads one. Anything that is not exactly of the form is none.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ActivityContext context)
    {
        context = default;
        return text is { Length: Length } && text.StartsWith("00-", StringComparison.Ordinal)
            && ActivityContext.TryParse(text, traceState: null, isRemote: true, out context);
    }
}
