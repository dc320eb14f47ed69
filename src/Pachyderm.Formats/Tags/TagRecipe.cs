namespace Pachyderm.Formats;

/// <summary>What a release hashes into the tag under which it looks for the output of a datum that it has processed before.</summary>
public enum TagRecipe
{
    /// <summary>1.4.0: files sorted by path while the input names keep their order, then the transform. 64 digits.</summary>
    Since140,

    /// <summary>1.4.1 to 1.4.4: files, then the transform. 64 digits; pipelines with equal transforms share tags.</summary>
    Since141,

    /// <summary>1.4.5 and 1.4.6: files, transform, pipeline name, pipeline id, version. 64 digits.</summary>
    Since145,

    /// <summary>1.4.7 and 1.4.8: as before, with four digits of the hash of the pipeline id in front. 68 digits.</summary>
    Since147,

    /// <summary>
    /// 1.5.0, and what later releases of 1.5 look up besides their own: as before, with the transform's environment left out.
    /// </summary>
    Since150,

    /// <summary>1.5.1 and later: files, pipeline name, salt, with four digits of the hash of the salt in front. 68 digits.</summary>
    Since151,
}
