using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Updraft.Agent.Images;

/// <summary>Connection of a pod to the API server of its cluster, from the environment and the service account of the pod.</summary>
/// <param name="Server">URL of the API server.</param>
/// <param name="Directory">Directory of the service account, with the files <c>token</c>, <c>ca.crt</c> and <c>namespace</c>.</param>
internal sealed record KubernetesConnection(Uri Server, string Directory)
{
    private const string ServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Reads the connection of the agent's pod.</summary>
    /// <param name="environment">Returns the value of an environment variable; null if it is not set.</param>
    /// <param name="directory">Directory of the service account.</param>
    /// <exception cref="AgentExitException">The agent does not run in a pod, or the pod has no service account.</exception>
    public static KubernetesConnection InPod(Func<string, string?> environment, string directory = ServiceAccount)
    {
        if (environment("KUBERNETES_SERVICE_HOST") is not { Length: > 0 } host)
            throw Unusable("KUBERNETES_SERVICE_HOST is not set");
        if (!File.Exists(Path.Join(directory, "token")))
            throw Unusable($"'{directory}/token' does not exist. Set automountServiceAccountToken to true");
        var port = environment("KUBERNETES_SERVICE_PORT") is { Length: > 0 } given ? given : "443";
        return Uri.TryCreate($"https://{(host.Contains(':') ? $"[{host}]" : host)}:{port}/", UriKind.Absolute, out var server)
            ? new KubernetesConnection(server, directory)
            : throw Unusable($"KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are '{host}:{port}', which is not a host and a port");

        static AgentExitException Unusable(string reason) =>
            new(ExitCode.Configuration, $"The image driver kubernetes needs a pod with a service account, but {reason}. "
                + "Run the agent in such a pod, or use --image-driver exec.");
    }

    /// <summary>Namespace of the pod; null if the service account has no namespace file.</summary>
    public string? Namespace() =>
        Path.Join(Directory, "namespace") is var file && File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } name
            ? name
            : null;

    /// <summary>Token of the service account. Kubernetes replaces it about every hour, so the agent reads it for each request.</summary>
    /// <exception cref="IOException">The token file cannot be read.</exception>
    public string Token() => File.ReadAllText(Path.Join(Directory, "token")).Trim();

    /// <summary>Creates an HTTP client that trusts the cluster's certificate authority only.</summary>
    /// <exception cref="KubernetesException">The certificate of the authority cannot be read.</exception>
    public HttpClient Connect()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            // The API server is in the cluster, and a proxy for external traffic may not reach it.
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionLifetime = TimeSpan.FromMinutes(15),
        };
        if (Server.Scheme == Uri.UriSchemeHttps)
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = TrustOnly(Path.Join(Directory, "ca.crt")) };
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private static X509ChainPolicy TrustOnly(string file)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException
            or System.Security.Cryptography.CryptographicException)
        {
            throw new KubernetesException(null,
                $"The certificate of the cluster's authority in '{file}' cannot be read: {ErrorReason.Of(exception)}", exception);
        }
        return policy;
    }
}
