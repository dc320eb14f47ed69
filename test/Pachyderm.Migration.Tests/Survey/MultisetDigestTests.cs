using CsCheck;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Tests.Survey;

public sealed class MultisetDigestTests
{
    private static readonly Gen<(byte[] Key, byte[] Value)[]> Records =
        Gen.Select(Gen.Byte.Array[0, 20], Gen.Frequency((9, Gen.Byte.Array[0, 60]), (1, Gen.Byte.Array[2000, 2100]))).Array[0, 12];

    [Fact]
    public void It_does_not_depend_on_the_order_of_records() =>
        Gen.Select(Records, Gen.Int).Sample((records, seed) =>
        {
            (byte[], byte[])[] shuffled = [.. records];
            new Random(seed).Shuffle(shuffled);
            return Of(records) == Of(shuffled);
        });

    [Fact]
    public void Merging_two_digests_is_adding_the_records_of_both() =>
        Gen.Select(Records, Records).Sample((left, right) =>
        {
            MultisetDigest merged = Of(left);
            merged.Add(Of(right));
            return merged == Of([.. left, .. right]);
        });

    [Fact]
    public void One_flipped_bit_of_a_key_or_value_changes_it() =>
        Gen.Select(Records.Where(records => records.Any(record => record.Key.Length + record.Value.Length > 0)), Gen.Int[0, int.MaxValue], Gen.Int[0, int.MaxValue]).Sample((records, which, where) =>
        {
            (byte[] Key, byte[] Value)[] candidates = [.. records.Where(record => record.Key.Length + record.Value.Length > 0)];
            (byte[] key, byte[] value) = candidates[which % candidates.Length];
            MultisetDigest before = Of(records);
            int bit = where % ((key.Length + value.Length) * 8);
            byte[] target = bit < key.Length * 8 ? key : value;
            bit -= target == key ? 0 : key.Length * 8;
            target[bit / 8] ^= (byte)(1 << (bit % 8));
            bool differs = before != Of(records);
            target[bit / 8] ^= (byte)(1 << (bit % 8));
            return differs;
        });

    [Fact]
    public void A_record_that_is_there_twice_counts_twice() =>
        Records.Where(records => records.Length > 0).Sample(records => Of(records) != Of([.. records, records[0]]));

    [Fact]
    public void The_border_between_key_and_value_counts()
    {
        Assert.NotEqual(MultisetDigest.Of("ab"u8, "c"u8), MultisetDigest.Of("a"u8, "bc"u8));
    }

    [Fact]
    public void The_sum_carries_across_all_of_its_256_bits()
    {
        // 512 times one record, by doubling and one by one: equal only if no carry is lost between the parts of the sum.
        MultisetDigest one = MultisetDigest.Of("k"u8, "v"u8);
        MultisetDigest doubled = one;
        MultisetDigest added = default;
        for (int power = 0; power < 9; power++)
        {
            MultisetDigest copy = doubled;
            doubled.Add(copy);
        }

        for (int count = 0; count < 512; count++)
        {
            added.Add(one);
        }

        Assert.Equal(doubled, added);
        Assert.Equal(doubled.ToString(), added.ToString());
    }

    [Fact]
    public void It_is_shown_as_64_hexadecimal_digits_and_that_of_nothing_as_zeros()
    {
        Assert.Equal(new string('0', 64), default(MultisetDigest).ToString());
        Assert.Matches("^[0-9a-f]{64}$", MultisetDigest.Of("k"u8, "v"u8).ToString());
    }

    private static MultisetDigest Of((byte[] Key, byte[] Value)[] records)
    {
        MultisetDigest digest = default;
        foreach ((byte[] key, byte[] value) in records)
        {
            digest.Add(MultisetDigest.Of(key, value));
        }

        return digest;
    }
}
