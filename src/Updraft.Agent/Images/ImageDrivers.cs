namespace Updraft.Agent.Images;

/// <summary>The drivers by their names; a new one needs an entry here, and its options in <see cref="AgentCommand"/>.</summary>
internal static class ImageDrivers
{
    public const string Exec = "exec", Kubernetes = "kubernetes";

    /// <summary>What <c>--image-driver</c> can be.</summary>
    public static readonly IReadOnlyList<string> Names = [Exec, Kubernetes];

    /// <summary>The driver that the operator chose; null for none.</summary>
    public static IImageDriver? Create(AgentOptions options, AgentRoot root, TimeProvider clock) => options.ImageDriver switch
    {
        null => null,
        Kubernetes => KubernetesDriver.Create(options.Kubernetes!, options.ImageTimeout, Environment.GetEnvironmentVariable, clock),
        Exec => new ExecDriver(options.ImageCommand!, root.Root, options.ImageTimeout, clock),
        _ => throw new AgentExitException(ExitCode.Usage, $"There is no image driver '{options.ImageDriver}'."),
    };
}
