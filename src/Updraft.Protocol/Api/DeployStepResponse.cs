namespace Updraft.Protocol.Api;

/// <summary>A step of a deploy: created, uploaded, finalized, and for each agent prepared and activated.</summary>
public sealed record DeployStepResponse
{
    /// <summary>Id of the step, unique in the deploy, such as <c>finalized</c> or <c>prepared-AGENT_ID</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Text that describes the step to users, such as <c>Finalized</c>.</summary>
    public string? Label { get; init; }

    /// <summary>
    /// <c>PENDING</c>, <c>RUNNING</c>, <c>COMPLETED</c>, <c>UP_FOR_RETRY</c> after a failure that the agent retries, or
    /// <c>FAILED</c>.
    /// </summary>
    public required string Status { get; init; }

    /// <summary>Whether the step can have log entries.</summary>
    public bool? EmitsLogs { get; init; }

    /// <summary>Earliest time at which the step was possible, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Start time in UTC; absent before the start.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>End time in UTC; absent before the end.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Time of the last information about the step, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of a deploy's steps.</summary>
public sealed record DeployStepsPaginated
{
    /// <summary>Steps on this page, in the order in which they happen unless the request sorts them.</summary>
    public required IReadOnlyList<DeployStepResponse> DeploySteps { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of steps on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>One line of a step's log.</summary>
public sealed record DeployStepLogEntry
{
    /// <summary>Text of the line.</summary>
    public required string Message { get; init; }

    /// <summary>Time of the line, in UTC.</summary>
    public required DateTimeOffset Timestamp { get; init; }
}

/// <summary>A page of a step's log, oldest first.</summary>
public sealed record DeployStepLogsPaginated
{
    /// <summary>Lines on this page, oldest first.</summary>
    public required IReadOnlyList<DeployStepLogEntry> Entries { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Value to send as <c>searchId</c> for the next page: the request's value, or the step's id.</summary>
    public required string SearchId { get; init; }

    /// <summary>Number of lines on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>Differences between two finalized deploys.</summary>
public sealed record DeployDiffResponse
{
    /// <summary>Each field that differs, in the order of its category.</summary>
    public required IReadOnlyList<DeployFieldChange> Changes { get; init; }

    /// <summary>Deploy that the request names in <c>deployIdBefore</c>.</summary>
    public required AlphaDeployResponse DeployBefore { get; init; }

    /// <summary>Deploy that the request names in <c>deployIdAfter</c>.</summary>
    public required AlphaDeployResponse DeployAfter { get; init; }
}

/// <summary>A field that differs, with both values.</summary>
public sealed record DeployFieldChange
{
    /// <summary><c>image</c>, <c>version</c>, <c>config</c> or <c>git</c>.</summary>
    public required string Category { get; init; }

    /// <summary>Name of the field, such as <c>imageTag</c>. For a bundle it is <c>bundles[PATH].desiredVersion</c>.</summary>
    public required string Field { get; init; }

    /// <summary>Value of the earlier deploy; absent if it has none.</summary>
    public string? Old { get; init; }

    /// <summary>Value of the later deploy; absent if it has none.</summary>
    public string? New { get; init; }
}
