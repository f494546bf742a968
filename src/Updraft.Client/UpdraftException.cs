using System.Diagnostics.CodeAnalysis;

namespace Updraft.Client;

/// <summary>The server refused a request or failed at it.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "Without the server's answer it would say nothing.")]
public sealed class UpdraftException : Exception
{
    /// <summary>An answer that is an error.</summary>
    /// <param name="statusCode">The HTTP status.</param>
    /// <param name="message">The server's words.</param>
    /// <param name="requestId">Identifies the request in the server's log; null when the answer has none.</param>
    public UpdraftException(int statusCode, string message, string? requestId)
        : base(message) => (StatusCode, RequestId) = (statusCode, requestId);

    /// <summary>The HTTP status.</summary>
    public int StatusCode { get; }

    /// <summary>Identifies the request in the server's log; null when the answer has none.</summary>
    public string? RequestId { get; }
}
