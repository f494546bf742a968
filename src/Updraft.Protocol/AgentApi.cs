using System.Text.Json.Serialization;

namespace Updraft.Protocol;

/// <summary>Addresses of the agent's API, below the server's public address. The agent token is the bearer token.</summary>
public static class AgentRoutes
{
    /// <summary>POST <see cref="EnrollRequest"/>, answers <see cref="EnrollResponse"/>.</summary>
    public const string Enroll = "/agent/v1/enrol";

    /// <summary>
    /// GET with <c>agentId</c>, <c>epoch</c>, <c>revision</c>, <c>phase</c> (what the agent has acted on) and <c>wait</c> (seconds,
    /// at most 60). Answers 200 with a <see cref="StateResponse"/> as soon as the state is another one, 204 when the wait is over.
    /// </summary>
    public const string State = "/agent/v1/state";

    /// <summary>POST <see cref="AgentReport"/>, answers a <see cref="StateResponse"/> with the state as of now.</summary>
    public const string Report = "/agent/v1/report";

    /// <summary>GET <c>/agent/v1/manifests/DIGEST?from=DIGEST</c>, answers a <see cref="ManifestDiff"/>; without <c>from</c>, or when
    /// the server lacks it, the difference to nothing.</summary>
    public const string Manifests = "/agent/v1/manifests/";

    /// <summary>
    /// GET <c>/agent/v1/packs/PACK</c>, with <c>Range</c>: bytes of a pack, or a 307 to where they can be had without the token. With
    /// <c>direct=true</c> never a redirect: for agents that cannot get there.
    /// </summary>
    public const string Packs = "/agent/v1/packs/";
}

/// <summary>How an agent introduces itself. Enrolling again with the same instance id gives the same agent.</summary>
public sealed record EnrollRequest
{
    /// <summary>Chosen by the agent once and kept in its root: 25 characters like any id.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Name of the machine.</summary>
    public required string Host { get; init; }

    /// <summary>The Airflow component beside which it runs, e.g. <c>scheduler</c>; free text.</summary>
    public required string Component { get; init; }

    /// <summary>Version of the agent program.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>How the agent rolls images out, <c>exec</c> or <c>kubernetes</c>; null when it does not.</summary>
    public string? ImageDriver { get; init; }
}

/// <summary>What an agent keeps from its enrolment.</summary>
public sealed record EnrollResponse
{
    /// <summary>The agent's id.</summary>
    public required string AgentId { get; init; }

    /// <summary>The Organization that the token belongs to.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>The Deployment that the token belongs to.</summary>
    public required string DeploymentId { get; init; }

    /// <summary>Key that signs state documents. Pinned at the first enrolment: a later answer with another key is refused.</summary>
    public required PublicKey SigningKey { get; init; }
}

/// <summary>A state document on its way.</summary>
/// <param name="State">A signed <see cref="DesiredState"/>.</param>
/// <param name="TraceParent">The <see cref="Protocol.TraceParent"/> of what made the revision, for spans of the agent; null when nobody traced. Not signed.</param>
public sealed record StateResponse(string State, string? TraceParent = null);

/// <summary>How far an agent is with a revision.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AgentPhase>))]
public enum AgentPhase
{
    /// <summary>Work goes on; only the steps of the report are news.</summary>
    [JsonStringEnumMemberName("PREPARING")]
    Preparing,

    /// <summary>Trees are complete and verified on disk, not yet visible.</summary>
    [JsonStringEnumMemberName("PREPARED")]
    Prepared,

    /// <summary>Airflow sees the revision.</summary>
    [JsonStringEnumMemberName("ACTIVE")]
    Active,

    /// <summary>The revision could not be prepared or activated; the one before goes on.</summary>
    [JsonStringEnumMemberName("FAILED")]
    Failed,
}

/// <summary>Where a step is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StepStatus>))]
public enum StepStatus
{
    /// <summary>It goes on.</summary>
    [JsonStringEnumMemberName("RUNNING")]
    Running,

    /// <summary>It went well.</summary>
    [JsonStringEnumMemberName("COMPLETED")]
    Completed,

    /// <summary>It went wrong; the last line of its log says why.</summary>
    [JsonStringEnumMemberName("FAILED")]
    Failed,
}

/// <summary>One line of a step's log.</summary>
/// <param name="At">When it was written.</param>
/// <param name="Text">The line, without its end.</param>
public sealed record StepLine(DateTimeOffset At, string Text);

/// <summary>Something that an agent does for a revision beside fetching and flipping: a check, the rollout of the image at a workload.</summary>
public sealed record StepReport
{
    /// <summary>Tells it from the other steps of the agent and the revision, e.g. <c>image</c>, <c>image/scheduler</c>, <c>check/dags</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is.</summary>
    public required StepStatus Status { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended; null while it goes on.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Its newest lines, oldest first; at most 200 of at most 1,000 characters.</summary>
    public required IReadOnlyList<StepLine> Log { get; init; }
}

/// <summary>What runs at a mount.</summary>
/// <param name="Path">As in <see cref="DesiredMount.Path"/>.</param>
/// <param name="Version">As in <see cref="DesiredMount.Version"/>.</param>
/// <param name="Manifest">As in <see cref="DesiredMount.Manifest"/>.</param>
public sealed record MountReport(string Path, string Version, string Manifest);

/// <summary>What an agent says of itself. Repeating a report is harmless.</summary>
public sealed record AgentReport
{
    /// <summary>Who reports.</summary>
    public required string AgentId { get; init; }

    /// <summary>Epoch of <see cref="Revision"/>.</summary>
    public required long Epoch { get; init; }

    /// <summary>The revision that <see cref="Phase"/> is about.</summary>
    public required long Revision { get; init; }

    /// <summary>How far the agent is with it.</summary>
    public required AgentPhase Phase { get; init; }

    /// <summary>The revision that Airflow sees on this machine; 0 for none.</summary>
    public required long ActiveRevision { get; init; }

    /// <summary>What Airflow sees on this machine.</summary>
    public required IReadOnlyList<MountReport> Mounts { get; init; }

    /// <summary>The image that runs beside the agent; null when it rolls out none, or none yet.</summary>
    public ImageReference? Image { get; init; }

    /// <summary>
    /// Whether the agent gave up the revision because its image would not run, went back to the one before, and tries again only with
    /// another revision.
    /// </summary>
    public bool HasGivenUp { get; init; }

    /// <summary>What it did for the revision so far, beside fetching and flipping; at most 50.</summary>
    public IReadOnlyList<StepReport>? Steps { get; init; }

    /// <summary>Why it failed; null otherwise. At most 2,000 characters.</summary>
    public string? Message { get; init; }

    /// <summary>Bytes that were fetched for this revision.</summary>
    public long FetchedBytes { get; init; }

    /// <summary>Time that it took to reach this phase since the state document came, in milliseconds.</summary>
    public double Milliseconds { get; init; }
}

/// <summary>JSON of the agent's API, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, MaxDepth = 32,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DesiredState))]
[JsonSerializable(typeof(EnrollRequest))]
[JsonSerializable(typeof(EnrollResponse))]
[JsonSerializable(typeof(StateResponse))]
[JsonSerializable(typeof(AgentReport))]
public sealed partial class AgentJson : JsonSerializerContext;
