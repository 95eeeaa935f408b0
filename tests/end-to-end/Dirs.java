// SPDX-License-Identifier: LGPL-2.1-or-later

import java.io.File;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.ArrayList;

// Makes directories from 16 threads, by each way that Java has.  Any error is fatal.
public class Dirs {
    static Void make(Path top) throws IOException {
        Files.createDirectories(top.resolve("a/b/c"));
        Files.createDirectory(top.resolve("private"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx--x---")));
        if (!new File(top.toFile(), "old/d/e").mkdirs() || new File(top.toFile(), "old/d").mkdir())
            throw new IOException("mkdirs");
        Files.createDirectories(Path.of("shared/by/all"));
        try {
            Files.createDirectory(top);
            throw new IOException("made twice");
        } catch (FileAlreadyExistsException expected) {
        }
        return null;
    }

    public static void main(String[] arguments) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(16);
        ArrayList<Future<Void>> tops = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            Path top = Path.of("of-" + i);
            tops.add(threads.submit((Callable<Void>) () -> make(top)));
        }
        threads.shutdown();
        for (Future<Void> top : tops)
            top.get();
    }
}
