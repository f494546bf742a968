namespace Updraft.Agent.Images;

/// <summary>Image drivers by name. A new driver needs an entry here, and its options in <see cref="AgentCommand"/>.</summary>
internal static class ImageDrivers
{
    public const string Exec = "exec", Kubernetes = "kubernetes";

    /// <summary>Valid values of <c>--image-driver</c>.</summary>
    public static readonly IReadOnlyList<string> Names = [Exec, Kubernetes];

    /// <summary>Creates the driver that the options name; null for none.</summary>
    public static IImageDriver? Create(AgentOptions options, AgentRoot root, TimeProvider clock) => options.ImageDriver switch
    {
        null => null,
        Kubernetes => KubernetesDriver.Create(options.Kubernetes!, options.ImageTimeout, Environment.GetEnvironmentVariable, clock),
        Exec => new ExecDriver(options.ImageCommand!, root.Root, options.PassedVariables, options.ImageTimeout, clock),
        _ => throw new AgentExitException(ExitCode.Usage,
            $"There is no image driver '{options.ImageDriver}'. Choose one of {string.Join(", ", Names)}."),
    };
}
