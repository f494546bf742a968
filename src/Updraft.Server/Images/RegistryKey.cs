using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Images;

/// <summary>
/// The key that signs tokens for the registry, with its certificate. The first start creates it. It is a separate key: with a stolen
/// one, an attacker can push images, but cannot sign API tokens or desired states.
/// <code>
/// keys/registry.pem                 private key and certificate; only the file owner can read it
/// registry/token-certificate.pem    the certificate alone, for the configuration of the registry
/// </code>
/// </summary>
internal sealed class RegistryKey : IHostedService, IDisposable
{
    private const string FileName = "registry.pem";

    private const UnixFileMode Public = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // RFC 5280 uses this time for a certificate without expiry. To replace the key, an operator replaces the file.
    private static readonly DateTimeOffset Never = new(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);

    private readonly X509Certificate2 _certificate;
    private readonly ECDsa _key;
    private readonly string _publicFile;

    public RegistryKey(IOptions<ServerOptions> options)
    {
        var path = Path.Join(options.Value.KeyDirectory(), FileName);
        var pem = Encoding.ASCII.GetString(SigningKeys.LoadOrCreate(path, static () => Encoding.ASCII.GetBytes(Create())));
        _certificate = X509Certificate2.CreateFromPem(pem, pem);
        _key = _certificate.GetECDsaPrivateKey() ?? throw new CryptographicException($"{path} contains no ECDSA key.");
        _publicFile = Path.Join(options.Value.Folder("registry"), "token-certificate.pem");
        Signing = new SigningCredentials(
            new ECDsaSecurityKey(_key) { CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false } },
            SecurityAlgorithms.EcdsaSha256);
        Chain = [Convert.ToBase64String(_certificate.RawData)];
    }

    /// <summary>The key as it is compared with the keys of other replicas.</summary>
    public SharedKey Shared => new("registry", FileName, _certificate.GetCertHashString(HashAlgorithmName.SHA256));

    public SigningCredentials Signing { get; }

    /// <summary>The token header <c>x5c</c>: the certificate, by which the registry identifies the key.</summary>
    public string[] Chain { get; }

    /// <summary>Writes the certificate for the registry, before the server issues the first token.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var pem = _certificate.ExportCertificatePem() + "\n";
        if (!File.Exists(_publicFile) || File.ReadAllText(_publicFile) != pem)
            AtomicFile.Write(_publicFile, Encoding.ASCII.GetBytes(pem), Public);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _key.Dispose();
        _certificate.Dispose();
    }

    private static string Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Updraft registry tokens", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, Never);
        return $"{key.ExportPkcs8PrivateKeyPem()}\n{certificate.ExportCertificatePem()}\n";
    }
}
