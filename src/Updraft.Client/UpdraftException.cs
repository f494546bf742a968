using System.Diagnostics.CodeAnalysis;

namespace Updraft.Client;

/// <summary>The server rejected a request, or failed to process it.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors",
    Justification = "The exception needs the server's response.")]
public sealed class UpdraftException : Exception
{
    /// <summary>Creates the exception of an error response.</summary>
    /// <param name="statusCode">HTTP status.</param>
    /// <param name="message">Message of the server.</param>
    /// <param name="requestId">Id of the request in the server's log; null if the response has none.</param>
    public UpdraftException(int statusCode, string message, string? requestId)
        : base(message) => (StatusCode, RequestId) = (statusCode, requestId);

    /// <summary>HTTP status of the response.</summary>
    public int StatusCode { get; }

    /// <summary>Id of the request in the server's log; null if the response has none.</summary>
    public string? RequestId { get; }
}
