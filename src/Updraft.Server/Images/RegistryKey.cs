using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Images;

/// <summary>
/// The key that signs tokens for the registry, with its certificate, made at the first start. A key of its own: who gets it can push
/// images, but neither sign API tokens nor what agents believe.
/// <code>
/// keys/registry.pem                 private key and certificate, readable by the owner only
/// registry/token-certificate.pem    the certificate again, for the registry to trust
/// </code>
/// </summary>
internal sealed class RegistryKey : IHostedService, IDisposable
{
    private const string FileName = "registry.pem";

    private const UnixFileMode Public = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // What RFC 5280 writes for a certificate without an end. Its age says nothing here; whoever replaces the file replaces the key.
    private static readonly DateTimeOffset Never = new(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);

    private readonly X509Certificate2 _certificate;
    private readonly ECDsa _key;
    private readonly string _publicFile;

    public RegistryKey(IOptions<ServerOptions> options)
    {
        var path = Path.Join(options.Value.KeyDirectory(), FileName);
        var pem = Encoding.ASCII.GetString(SigningKeys.LoadOrCreate(path, static () => Encoding.ASCII.GetBytes(Create())));
        _certificate = X509Certificate2.CreateFromPem(pem, pem);
        _key = _certificate.GetECDsaPrivateKey() ?? throw new CryptographicException($"{path} holds no ECDSA key.");
        _publicFile = Path.Join(options.Value.Folder("registry"), "token-certificate.pem");
        Signing = new SigningCredentials(
            new ECDsaSecurityKey(_key) { CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false } },
            SecurityAlgorithms.EcdsaSha256);
        Chain = [Convert.ToBase64String(_certificate.RawData)];
    }

    /// <summary>By which another server's key is compared with this one.</summary>
    public SharedKey Shared => new("registry", FileName, _certificate.GetCertHashString(HashAlgorithmName.SHA256));

    /// <summary>Signs tokens.</summary>
    public SigningCredentials Signing { get; }

    /// <summary>The header <c>x5c</c>: the one certificate, by which the registry knows the key.</summary>
    public string[] Chain { get; }

    /// <summary>Puts the certificate where the registry's operator finds it, before the first token is asked for.</summary>
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
