using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A page of what happened to a Deployment, the newest first.</summary>
public sealed record DeploymentLogResponse
{
    /// <summary>The limit that was applied.</summary>
    [Range(1, int.MaxValue)]
    public required int Limit { get; init; }

    /// <summary>The most results on all pages.</summary>
    [Range(0, int.MaxValue)]
    public required int MaxNumResults { get; init; }

    /// <summary>The offset that was applied.</summary>
    [Range(0, int.MaxValue)]
    public required int Offset { get; init; }

    /// <summary>How many results are on this page.</summary>
    [Range(0, int.MaxValue)]
    public required int ResultCount { get; init; }

    /// <summary>The page.</summary>
    public required IReadOnlyList<DeploymentLogEntryResponse> Results { get; init; }

    /// <summary>Send it with the next page, so that it is of the same span of time.</summary>
    public required string SearchId { get; init; }
}

/// <summary>One thing that happened.</summary>
public sealed record DeploymentLogEntryResponse
{
    /// <summary>The time and what happened, for a person.</summary>
    public required string Raw { get; init; }

    /// <summary>The agent's component if it is one of the contract's sources, else <c>scheduler</c>.</summary>
    [AllowedValues("scheduler", "triggerer", "worker", "webserver", "dag-processor", "apiserver")]
    public required string Source { get; init; }

    /// <summary>When, in milliseconds since 1970.</summary>
    public required long Timestamp { get; init; }
}
