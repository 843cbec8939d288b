// Package ops has recipes for operating a program that uses keyfit. The recipes are files for other
// tools; the tests of this module try each as far as that can be done on one machine: the file is
// read by the tool's own library, and a program runs in what the recipe describes.
package ops
