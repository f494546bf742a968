using System.Text.Json.Serialization;

namespace Updraft.Protocol;

/// <summary>Paths of the agent API, below the server's public URL. The agent token is the bearer token.</summary>
public static class AgentRoutes
{
    /// <summary>POST <see cref="EnrollRequest"/>, returns <see cref="EnrollResponse"/>.</summary>
    public const string Enroll = "/agent/v1/enrol";

    /// <summary>
    /// Long poll: GET with <c>agentId</c>, <c>wait</c> (seconds, at most 60), and the state that the agent has reached, as <c>epoch</c>,
    /// <c>revision</c> and <c>phase</c>. <c>session</c> is optional: <see cref="AgentReport.SessionId"/>. Returns 200 with a
    /// <see cref="StateResponse"/> as soon as the desired state differs, or 204 at the end of the wait.
    /// </summary>
    public const string State = "/agent/v1/state";

    /// <summary>POST <see cref="AgentReport"/>, returns a <see cref="StateResponse"/> with the current desired state.</summary>
    public const string Report = "/agent/v1/report";

    /// <summary>
    /// GET <c>/agent/v1/manifests/DIGEST?from=DIGEST</c>, returns a <see cref="ManifestDiff"/>. Without <c>from</c>, or if the server does
    /// not have that manifest, it is the difference to the empty manifest.
    /// </summary>
    public const string Manifests = "/agent/v1/manifests/";

    /// <summary>
    /// GET <c>/agent/v1/packs/PACK</c> with <c>Range</c>: bytes of a pack, or a 307 to an object store that needs no token. With
    /// <c>direct=true</c> there is never a redirect, for agents that cannot reach the object store.
    /// </summary>
    public const string Packs = "/agent/v1/packs/";
}

/// <summary>Body of an enrollment. A second enrollment with the same instance id returns the same agent.</summary>
public sealed record EnrollRequest
{
    /// <summary>Id that the agent generates once and stores in its root: 25 characters, like every id.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Name of the host, for users.</summary>
    public required string Host { get; init; }

    /// <summary>Airflow component that uses the files, such as <c>scheduler</c>; free text.</summary>
    public required string Component { get; init; }

    /// <summary>Version of the agent program.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>Image driver, <c>exec</c> or <c>kubernetes</c>; null if the agent rolls out no images.</summary>
    public string? ImageDriver { get; init; }

    /// <summary>See <see cref="AgentReport.SessionId"/>.</summary>
    public string? SessionId { get; init; }
}

/// <summary>Response to an enrollment. The agent stores all of it.</summary>
public sealed record EnrollResponse
{
    /// <summary>Id by which the server knows the agent.</summary>
    public required string AgentId { get; init; }

    /// <summary>The Organization that the token belongs to.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>The Deployment that the token belongs to.</summary>
    public required string DeploymentId { get; init; }

    /// <summary>Key that signs state documents. The agent pins it at the first enrollment and rejects another key later.</summary>
    public required PublicKey SigningKey { get; init; }
}

/// <summary>A signed state document with its trace.</summary>
/// <param name="State">A signed <see cref="DesiredState"/>.</param>
/// <param name="TraceParent">
/// The <see cref="Protocol.TraceParent"/> of the request that created the revision, for spans of the agent; null without a trace. It is not
/// signed.
/// </param>
public sealed record StateResponse(string State, string? TraceParent = null);

/// <summary>Progress of an agent with a revision.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AgentPhase>))]
public enum AgentPhase
{
    /// <summary>Work continues; only the steps of the report have changed.</summary>
    [JsonStringEnumMemberName("PREPARING")]
    Preparing,

    /// <summary>The trees are complete and verified on disk, but not visible yet.</summary>
    [JsonStringEnumMemberName("PREPARED")]
    Prepared,

    /// <summary>Airflow sees the revision.</summary>
    [JsonStringEnumMemberName("ACTIVE")]
    Active,

    /// <summary>The revision could not be prepared or activated; the earlier one stays active.</summary>
    [JsonStringEnumMemberName("FAILED")]
    Failed,
}

/// <summary>Status of a step.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StepStatus>))]
public enum StepStatus
{
    /// <summary>The step has not ended.</summary>
    [JsonStringEnumMemberName("RUNNING")]
    Running,

    /// <summary>The step succeeded.</summary>
    [JsonStringEnumMemberName("COMPLETED")]
    Completed,

    /// <summary>The step failed; the last line of its log has the reason.</summary>
    [JsonStringEnumMemberName("FAILED")]
    Failed,
}

/// <summary>One line of a step's log.</summary>
/// <param name="At">Time of the line.</param>
/// <param name="Text">Text without the line break.</param>
public sealed record StepLine(DateTimeOffset At, string Text);

/// <summary>
/// A step of an agent for a revision, other than download and activation: a check, or the rollout of the image to a workload.
/// </summary>
public sealed record StepReport
{
    /// <summary>Name, unique among the steps of the agent and the revision, such as <c>image</c> or <c>check/dags</c>.</summary>
    public required string Name { get; init; }

    public required StepStatus Status { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>End time; null before the end.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Newest lines of the log, oldest first: at most 200 lines of at most 1,000 characters.</summary>
    public required IReadOnlyList<StepLine> Log { get; init; }
}

/// <summary>A mount as Airflow sees it.</summary>
/// <param name="Path">As in <see cref="DesiredMount.Path"/>.</param>
/// <param name="Version">As in <see cref="DesiredMount.Version"/>.</param>
/// <param name="Manifest">As in <see cref="DesiredMount.Manifest"/>.</param>
public sealed record MountReport(string Path, string Version, string Manifest);

/// <summary>Report of an agent about one revision. The agent can repeat it without effect.</summary>
public sealed record AgentReport
{
    /// <summary>Id of the agent that reports.</summary>
    public required string AgentId { get; init; }

    /// <summary>
    /// Id of this run of the agent, generated at its start: 25 characters, like every id; null from earlier versions. If two runs report in
    /// turns with one agent id, one root was copied.
    /// </summary>
    public string? SessionId { get; init; }

    /// <summary>Epoch of <see cref="Revision"/>.</summary>
    public required long Epoch { get; init; }

    /// <summary>Revision to which <see cref="Phase"/> applies.</summary>
    public required long Revision { get; init; }

    /// <summary>Progress of the agent with <see cref="Revision"/>.</summary>
    public required AgentPhase Phase { get; init; }

    /// <summary>Revision that Airflow sees on this host; 0 for none.</summary>
    public required long ActiveRevision { get; init; }

    /// <summary>Mounts that Airflow sees on this host.</summary>
    public required IReadOnlyList<MountReport> Mounts { get; init; }

    /// <summary>Image that the agent rolled out last; null if it rolls out no images, or has rolled out none yet.</summary>
    public ImageReference? Image { get; init; }

    /// <summary>
    /// Whether the agent aborted the revision because its image did not run. The agent restored the earlier image, and retries only with
    /// another revision.
    /// </summary>
    public bool HasGivenUp { get; init; }

    /// <summary>Steps for the revision so far, other than download and activation; at most 50.</summary>
    public IReadOnlyList<StepReport>? Steps { get; init; }

    /// <summary>Reason of a failure, at most 2,000 characters; null without a failure.</summary>
    public string? Message { get; init; }

    /// <summary>Number of bytes that the agent downloaded for this revision.</summary>
    public long FetchedBytes { get; init; }

    /// <summary>Time from the receipt of the state document to this phase, in milliseconds.</summary>
    public double Milliseconds { get; init; }
}

/// <summary>JSON of the agent API, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, MaxDepth = 32,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DesiredState))]
[JsonSerializable(typeof(EnrollRequest))]
[JsonSerializable(typeof(EnrollResponse))]
[JsonSerializable(typeof(StateResponse))]
[JsonSerializable(typeof(AgentReport))]
public sealed partial class AgentJson : JsonSerializerContext;
