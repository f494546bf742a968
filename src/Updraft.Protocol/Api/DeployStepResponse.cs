namespace Updraft.Protocol.Api;

/// <summary>One step on the way of a deploy: it is created, uploaded to, finalized, and prepared and activated by each agent.</summary>
public sealed record DeployStepResponse
{
    /// <summary>Name of the step, unique within the deploy.</summary>
    public required string Id { get; init; }

    /// <summary>The step for people.</summary>
    public string? Label { get; init; }

    /// <summary><c>PENDING</c>, <c>RUNNING</c>, <c>COMPLETED</c>, <c>FAILED</c>, or <c>UP_FOR_RETRY</c> for a failure that an agent tries again.</summary>
    public required string Status { get; init; }

    /// <summary>Whether the step has log entries.</summary>
    public bool? EmitsLogs { get; init; }

    /// <summary>When the step could begin.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it began; null for what has not begun.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended; null for what has not ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>When something was last heard of it.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of a deploy's steps.</summary>
public sealed record DeployStepsPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<DeployStepResponse> DeploySteps { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of all steps.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>One line of a step's log.</summary>
public sealed record DeployStepLogEntry
{
    /// <summary>What happened.</summary>
    public required string Message { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTimeOffset Timestamp { get; init; }
}

/// <summary>A page of a step's log, oldest first.</summary>
public sealed record DeployStepLogsPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<DeployStepLogEntry> Entries { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>Sent along for the next page; what the request had, or the step's id.</summary>
    public required string SearchId { get; init; }

    /// <summary>Number of all entries.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>What one deploy changed in comparison with another.</summary>
public sealed record DeployDiffResponse
{
    /// <summary>Every field that differs.</summary>
    public required IReadOnlyList<DeployFieldChange> Changes { get; init; }

    /// <summary>The deploy that was named as the earlier one.</summary>
    public required AlphaDeployResponse DeployBefore { get; init; }

    /// <summary>The deploy that was named as the later one.</summary>
    public required AlphaDeployResponse DeployAfter { get; init; }
}

/// <summary>A field with two values.</summary>
public sealed record DeployFieldChange
{
    /// <summary><c>image</c>, <c>version</c>, <c>config</c> or <c>git</c>.</summary>
    public required string Category { get; init; }

    /// <summary>Name of the field, as in a deploy; a bundle's is <c>bundles[PATH].desiredVersion</c>.</summary>
    public required string Field { get; init; }

    /// <summary>The value before; absent when there was none.</summary>
    public string? Old { get; init; }

    /// <summary>The value after; absent when there is none.</summary>
    public string? New { get; init; }
}
