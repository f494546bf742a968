using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Updraft.Agent.Images;

/// <summary>How a pod reaches the API server of its cluster: what the kubelet puts into the environment and into a folder.</summary>
/// <param name="Server">Address of the API server.</param>
/// <param name="Folder">The folder of the service account: <c>token</c>, <c>ca.crt</c>, <c>namespace</c>.</param>
internal sealed record KubernetesConnection(Uri Server, string Folder)
{
    private const string ServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Looks around in the pod.</summary>
    /// <param name="environment">Looks up an environment variable.</param>
    /// <param name="folder">Where the service account is.</param>
    /// <exception cref="AgentExitException">This is no pod, or one without a service account.</exception>
    public static KubernetesConnection InPod(Func<string, string?> environment, string folder = ServiceAccount)
    {
        if (environment("KUBERNETES_SERVICE_HOST") is not { Length: > 0 } host)
            throw Refuse("KUBERNETES_SERVICE_HOST is not set");
        if (!File.Exists(Path.Join(folder, "token")))
            throw Refuse($"'{folder}/token' does not exist; set automountServiceAccountToken");
        var port = environment("KUBERNETES_SERVICE_PORT") is { Length: > 0 } given ? given : "443";
        return Uri.TryCreate($"https://{(host.Contains(':') ? $"[{host}]" : host)}:{port}/", UriKind.Absolute, out var server)
            ? new KubernetesConnection(server, folder)
            : throw Refuse($"'{host}:{port}' in KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT is no address");

        static AgentExitException Refuse(string reason) =>
            new(ExitCode.Configuration, $"The image driver kubernetes runs in a pod with a service account: {reason}.");
    }

    /// <summary>The pod's namespace; null when it is not told.</summary>
    public string? Namespace() =>
        Path.Join(Folder, "namespace") is var file && File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } name ? name : null;

    /// <summary>The token of the service account. It is replaced every hour or so, so it is read for each request.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public string Token() => File.ReadAllText(Path.Join(Folder, "token")).Trim();

    /// <summary>Connections that trust the cluster's own certificate authority and nobody else's.</summary>
    /// <exception cref="KubernetesException">The authority's certificate cannot be read.</exception>
    public HttpClient Connect()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            // The API server is in the cluster; a proxy for the world outside would only get in the way.
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionLifetime = TimeSpan.FromMinutes(15),
        };
        if (Server.Scheme == Uri.UriSchemeHttps)
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = TrustOnly(Path.Join(Folder, "ca.crt")) };
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
            throw new KubernetesException(null, $"The certificate of the cluster's authority, '{file}', cannot be read: {exception.Message}",
                exception);
        }
        return policy;
    }
}
