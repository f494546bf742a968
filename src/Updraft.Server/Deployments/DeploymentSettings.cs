namespace Updraft.Server.Deployments;

/// <summary>Settings of a Deployment that clients write and read back; Updraft only keeps them. Immutable: replace it as a whole.</summary>
internal sealed record DeploymentSettings
{
    public string Type { get; init; } = "STANDARD";

    public string Executor { get; init; } = "CELERY";

    public string SchedulerSize { get; init; } = "SMALL";

    public bool IsHighAvailability { get; init; }

    public bool IsDevelopmentMode { get; init; }
}
