using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of every error response of the API.</summary>
public sealed record ErrorResponse
{
    /// <summary>Problem and next step, for users. Texts can change between versions.</summary>
    public required string Message { get; init; }

    /// <summary>Id of the request in the server's log. The header <c>x-request-id</c> has it too.</summary>
    public required string RequestId { get; init; }

    /// <summary>HTTP status of the response.</summary>
    [Range(400, 600)]
    public required int StatusCode { get; init; }
}
