using System.Buffers.Text;
using System.Security.Cryptography;
using CsCheck;
using Updraft.Protocol.Cryptography;

namespace Updraft.Protocol.Tests;

/// <summary>The implementations for systems without OpenSSL give the results of OpenSSL.</summary>
public sealed class PortableCryptographyTests : IDisposable
{
    private const string Type = "updraft-test";
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public PortableCryptographyTests() => PortableCryptography.IsEnabled = true;

    public void Dispose()
    {
        PortableCryptography.IsEnabled = false;
        _key.Dispose();
    }

    [Fact]
    public void Digest_of_any_content_equals_that_of_OpenSSL() =>
        Gen.Byte.Array[0, 300].Sample(content => Digest.Of(content) == new Digest(SHA256.HashData(content)));

    [Fact]
    public void Digest_of_any_parts_equals_that_of_OpenSSL() =>
        Gen.Byte.Array[0, 150].Array[0, 6].Sample(parts =>
        {
            using var builder = new DigestBuilder();
            foreach (var part in parts)
                builder.Append(part);
            return builder.Complete() == new Digest(SHA256.HashData(parts.SelectMany(part => part).ToArray()));
        });

    [Fact]
    public void Digest_of_the_example_of_the_standard_is_as_published() => Assert.Equal(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", Digest.Of("abc"u8).ToString());

    [Fact]
    public void Valid_signature_is_accepted() =>
        Gen.Byte.Array[0, 200].Sample(payload =>
        {
            var document = SignedDocument.Sign(payload, Type, _key, PublicKey.Of(_key).KeyId);
            return SignedDocument.Verify(document, Type, PublicKey.Of(_key)).SequenceEqual(payload);
        }, iter: 20);

    [Fact]
    public void Changed_signature_is_rejected() =>
        Gen.Select(Gen.Int[0, 63], Gen.Int[1, 255]).Sample((position, mask) =>
        {
            var parts = SignedDocument.Sign("payload"u8, Type, _key, PublicKey.Of(_key).KeyId).Split('.');
            var signature = Base64Url.DecodeFromChars(parts[2]);
            signature[position] ^= (byte)mask;
            Assert.Throws<InvalidDataException>(() => SignedDocument.Verify(
                $"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(signature)}", Type, PublicKey.Of(_key)));
        }, iter: 20);

    [Fact]
    public void Signature_of_another_key_is_rejected()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var document = SignedDocument.Sign("payload"u8, Type, other, PublicKey.Of(_key).KeyId);

        Assert.Throws<InvalidDataException>(() => SignedDocument.Verify(document, Type, PublicKey.Of(_key)));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void Signature_with_a_zero_is_rejected(byte r, byte s)
    {
        var parts = SignedDocument.Sign("payload"u8, Type, _key, PublicKey.Of(_key).KeyId).Split('.');
        var signature = new byte[64];
        (signature[31], signature[63]) = (r, s);

        Assert.Throws<InvalidDataException>(() => SignedDocument.Verify(
            $"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(signature)}", Type, PublicKey.Of(_key)));
    }

    [Fact]
    public void Key_that_is_no_point_of_the_curve_is_rejected()
    {
        var key = PublicKey.Of(_key);
        var y = Base64Url.DecodeFromChars(key.Y);
        y[5] ^= 1;
        var text = $$"""{"crv":"P-256","kty":"EC","x":"{{key.X}}","y":"{{Base64Url.EncodeToString(y)}}"}""";
        var wrong = key with
        {
            Y = Base64Url.EncodeToString(y),
            KeyId = Base64Url.EncodeToString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text))),
        };

        Assert.Throws<InvalidDataException>(wrong.Check);
        key.Check();
    }

    [Fact]
    public void Ids_are_valid_and_distinct()
    {
        var ids = Enumerable.Range(0, 100).Select(_ => EntityId.New(TimeProvider.System)).ToList();

        Assert.All(ids, id => Assert.True(EntityId.IsValid(id)));
        Assert.Equal(100, ids.Distinct(StringComparer.Ordinal).Count());
    }
}
