using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>The body of every error of the API.</summary>
public sealed record ErrorResponse
{
    /// <summary>What was wrong and what to do; for people.</summary>
    public required string Message { get; init; }

    /// <summary>Identifies the request in the server's log; also in the header <c>x-request-id</c>.</summary>
    public required string RequestId { get; init; }

    /// <summary>The HTTP status again.</summary>
    [Range(400, 600)]
    public required int StatusCode { get; init; }
}
